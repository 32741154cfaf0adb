import type { OpenAPIHono } from '@hono/zod-openapi'
import type { UserEnv } from '../directory/device-guard.ts'
import type { AppEnv } from '../platform/http/call-origin.ts'
import { createApp } from '../platform/http/create-app.ts'
import { problemResponse } from '../platform/http/problem.ts'
import type { Logger } from '../platform/log/logger.ts'
import { addEchoRoutes } from './echo.ts'

/** What users' devices call. */
const USER_PREFIXES = [
  '/v1/directory',
  '/v1/mailbox',
  '/v1/history',
  '/v1/conversations',
  '/v1/keys',
  '/v1/key-requests',
  '/v1/files',
]

/** The only paths that can be called inside the seal. */
export function isV1Path(path: string): boolean {
  return path === '/v1' || path.startsWith('/v1/')
}

/**
 * What apps call. Inside the seal each call knows whose key opened it; outside it is refused unless the
 * operator has switched that off.
 */
export function createV1App(
  logger: Logger,
  requireChannel: boolean,
  users: OpenAPIHono<UserEnv>,
  identity?: OpenAPIHono<AppEnv>,
): OpenAPIHono<AppEnv> {
  const app = createApp(logger)

  app.use('/v1/*', async (c, next) => {
    if (!c.env.origin.sealed && requireChannel) {
      return problemResponse('CHANNEL_REQUIRED', {
        detail:
          'Call it with the Keyhaven SDK, or any Oblivious HTTP client, through POST ' +
          '/gateway/{applicationId}.',
      })
    }
    await next()
    return undefined
  })

  // An application that a request names must be the one whose key opened it.
  app.use('/v1/applications/:applicationId/*', async (c, next) => {
    const { origin } = c.env
    if (origin.sealed && c.req.param('applicationId') !== origin.applicationId) {
      return problemResponse('ACCESS_DENIED', { detail: 'This request was sealed for another application.' })
    }
    await next()
    return undefined
  })

  addEchoRoutes(app)
  // Hono's `/*` stands for the prefix itself, too.
  for (const prefix of USER_PREFIXES) app.all(`${prefix}/*`, (c) => users.fetch(c.req.raw, c.env))
  if (identity) app.all('/v1/identity/*', (c) => identity.fetch(c.req.raw, c.env))
  return app
}
