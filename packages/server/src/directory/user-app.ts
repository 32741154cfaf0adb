import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ReplayStore } from '@keyhaven/channel/gateway'
import { addConversationRoutes } from '../conversations/conversation-routes.ts'
import type { Conversations } from '../conversations/conversations.ts'
import { addKeyRoutes } from '../conversations/key-routes.ts'
import { addFileRoutes } from '../files/file-routes.ts'
import type { FileService } from '../files/file-service.ts'
import { FILES_PATH, MAX_PATCH_BYTES } from '../files/tus-answer.ts'
import { addHistoryRoutes } from '../messaging/history-routes.ts'
import { createHistoryStore } from '../messaging/history-store.ts'
import type { MailboxParts } from '../messaging/mailbox-routes.ts'
import { addMailboxRoutes } from '../messaging/mailbox-routes.ts'
import { createApp } from '../platform/http/create-app.ts'
import { limitBody } from '../platform/http/limit-body.ts'
import type { Logger } from '../platform/log/logger.ts'
import type { State } from '../platform/state/state.ts'
import type { UserEnv } from './device-guard.ts'
import { deviceGuard } from './device-guard.ts'
import type { Directories } from './directories.ts'
import { addDirectoryRoutes, createUnknownNames, isRenewal, isUnsignedCall } from './directory-routes.ts'
import { serveLog } from './log/log-routes.ts'

const MAX_DIRECTORY_BODY_BYTES = 32 * 1_024
const MAX_MAILBOX_BODY_BYTES = 1_024 * 1_024
const MAX_HISTORY_BODY_BYTES = 640 * 1_024
/** A membership entry of 1,000 members, and a sealed key for 500 devices. */
const MAX_CONVERSATION_BODY_BYTES = 4 * 1_024 * 1_024
const LOG_PREFIX = '/v1/directory/log/'

export interface UserAppParts {
  readonly directories: Directories
  readonly conversations: Conversations
  readonly replay: ReplayStore
  readonly state: State
  readonly mailbox: Pick<MailboxParts, 'store' | 'events'>
  readonly files: FileService
  readonly clock: () => number
  readonly logger: Logger
}

/** What users' devices call, inside the seal and signed. */
export function createUserApp(parts: UserAppParts): OpenAPIHono<UserEnv> {
  const { directories, replay, clock } = parts
  const app = createApp<UserEnv>(parts.logger)
  const guard = deviceGuard({ directories, replay, clock, unsigned: isUnsignedCall, expired: isRenewal })
  app.use('/v1/directory/*', limitBody(MAX_DIRECTORY_BODY_BYTES), guard)
  app.use('/v1/mailbox/*', limitBody(MAX_MAILBOX_BODY_BYTES), guard)
  app.use('/v1/history/*', limitBody(MAX_HISTORY_BODY_BYTES), guard)
  for (const path of ['/v1/conversations/*', '/v1/keys/*', '/v1/key-requests/*']) {
    app.use(path, limitBody(MAX_CONVERSATION_BODY_BYTES), guard)
  }
  app.use(`${FILES_PATH}/*`, limitBody(MAX_PATCH_BYTES), guard)
  const unknownNames = createUnknownNames(clock)
  const isCurrent = async (applicationId: string, device: string): Promise<boolean> => {
    const { service } = await directories.open(applicationId)
    return (await service.findDevice(device))?.device.status === 'valid'
  }
  addDirectoryRoutes(app, directories, unknownNames, clock)
  addMailboxRoutes(app, { ...parts.mailbox, unknownNames, isCurrent, clock })
  addConversationRoutes(app, parts.conversations, unknownNames, clock)
  addKeyRoutes(app, parts.conversations, clock)
  addHistoryRoutes(app, createHistoryStore(parts.state), clock)
  addFileRoutes(app, parts.files, clock)
  app.get(`${LOG_PREFIX}*`, (c) =>
    serveLog(directories.log, c.var.applicationId, new URL(c.req.url).pathname.slice(LOG_PREFIX.length)),
  )
  return app
}
