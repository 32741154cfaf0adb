import type { OpenAPIHono } from '@hono/zod-openapi'
import type { SealedContext } from '@keyhaven/channel/gateway'
import { KeyhavenError } from '@keyhaven/crypto'
import { readAdminToken } from '../admin-token.ts'
import { isV1Path } from '../channel/v1-app.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { createTokenStore } from '../platform/auth/token-store.ts'
import type { AppEnv } from '../platform/http/call-origin.ts'
import { sealedOrigin } from '../platform/http/call-origin.ts'
import type { Listener } from '../platform/http/listen.ts'
import { listen } from '../platform/http/listen.ts'
import { createNodeHandler } from '../platform/http/node-handler.ts'
import type { PublicServiceOptions } from '../serve-public.ts'
import { isTenant, readTls } from '../serve-public.ts'
import type { ServerParts } from '../server-parts.ts'
import { addIdentityAdminRoutes } from './identity-admin.ts'
import { createIdentityApp, createSealedIdentityApp } from './identity-app.ts'
import { openIdentityBase } from './identity-base.ts'
import type { IdentityParts } from './identity-parts.ts'
import { createIdentityParts } from './identity-parts.ts'

/** The identity capability of one process. */
export interface IdentityService {
  readonly parts: IdentityParts
  /** What sealed calls under `/v1/identity` reach. */
  readonly sealed: OpenAPIHono<AppEnv>
  /** In place of all else under `/v1`, in a process that is not `main`. */
  readonly served: PublicServiceOptions['served'] | undefined
  addAdminRoutes(app: OpenAPIHono<AdminEnv>): void
  listen(): Promise<Listener>
  /** Where others reach it, when another process listens. */
  listening(url: string): void
  close(): Promise<void>
}

/**
 * Loaded only where the capability is on: see `serve.ts`.
 *
 * @throws KeyhavenError `CONFIG_INVALID` if it is off, or there is no default application.
 */
export async function openIdentity(
  server: ServerParts,
  applicationId: string | undefined,
  options: { readonly schedule: boolean },
): Promise<IdentityService> {
  const { config, state, clock } = server
  const { identity } = config
  if (identity === undefined || applicationId === undefined) {
    throw new KeyhavenError('CONFIG_INVALID', 'the identity capability needs a default application')
  }
  const { base, listening, close } = openIdentityBase(server, identity, applicationId, options.schedule)
  try {
    const tokens = createTokenStore(state, readAdminToken(config.dataDir, config.adminToken), clock)
    const parts = await createIdentityParts(base, tokens)
    const app = createIdentityApp(parts, { changes: state.changes, replay: server.replay })
    const sealed = createSealedIdentityApp(parts, app)
    const secure = config.tls !== undefined
    return {
      parts,
      sealed,
      served:
        identity.role === 'main'
          ? undefined
          : {
              serves: isTenant,
              allowPath: isV1Path,
              handler: (request: Request, context: SealedContext) =>
                sealed.fetch(request, { origin: sealedOrigin(context) }),
              listening: () => {},
            },
      addAdminRoutes: (admin) => addIdentityAdminRoutes(admin, parts),
      async listen() {
        const handler = createNodeHandler(app, secure)
        const listener = await listen({ ...identity.listen, tls: readTls(config), handler })
        listening(listener.url)
        return listener
      },
      listening,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
