import type { RouteConfig } from '@hono/zod-openapi'
import { OpenAPIHono } from '@hono/zod-openapi'
import { auditRoutes } from '../admin/audit-routes.ts'
import { statusRoutes } from '../admin/status-routes.ts'
import { applicationRoutes } from '../applications/application-routes.ts'
import { checkRoutes } from '../channel/check-routes.ts'
import { e2eKeyRoutes } from '../channel/e2e-key-routes.ts'
import { echoRoutes } from '../channel/echo.ts'
import { trustRoutes } from '../channel/trust-routes.ts'
import { usageRoutes } from '../channel/usage-routes.ts'
import { adminConversationRoutes } from '../conversations/admin-conversation-routes.ts'
import { conversationRoutes } from '../conversations/conversation-routes.ts'
import { keyRoutes } from '../conversations/key-routes.ts'
import { adminDirectoryRoutes } from '../directory/admin-directory-routes.ts'
import { directoryRoutes } from '../directory/directory-routes.ts'
import { logRoutes } from '../directory/log/log-routes.ts'
import { fileApi } from '../files/file-api.ts'
import { adminAuthRoutes } from '../identity/authentication/admin-auth-routes.ts'
import { adminShareRoutes } from '../identity/events/admin-share-routes.ts'
import { adminKeyRoutes } from '../identity/keys/admin-key-routes.ts'
import { adminPartnerRoutes } from '../identity/partners/admin-partner-routes.ts'
import { adminPolicyRoutes } from '../identity/partners/admin-policy-routes.ts'
import { adminRegistrationRoutes } from '../identity/registration/admin-registration-routes.ts'
import { adminStationRoutes } from '../identity/registration/admin-station-routes.ts'
import { adminVaultRoutes } from '../identity/vault/admin-vault-routes.ts'
import { historyRoutes } from '../messaging/history-routes.ts'
import { mailboxRoutes } from '../messaging/mailbox-routes.ts'
import { oidcRoutes } from '../platform/auth/oidc-routes.ts'
import { sessionRoutes } from '../platform/auth/session-routes.ts'
import { tokenRoutes } from '../platform/auth/token-routes.ts'
import { SERVER_VERSION } from '../version.ts'
import { gatewayRoutes } from './gateway-routes.ts'

export type OpenApiDocument = ReturnType<OpenAPIHono['getOpenAPI31Document']>

const DESCRIPTION = `Two addresses. The public one answers sealed calls (Channel); what is under /v1 can be reached only inside
the seal. The admin one, on loopback by default, answers everything under /admin.`

/** Every route of the server, in the order in which a reader needs them. */
const ROUTES: ReadonlyArray<Readonly<Record<string, RouteConfig>>> = [
  gatewayRoutes,
  echoRoutes,
  sessionRoutes,
  oidcRoutes,
  applicationRoutes,
  e2eKeyRoutes,
  usageRoutes,
  checkRoutes,
  trustRoutes,
  directoryRoutes,
  logRoutes,
  mailboxRoutes,
  conversationRoutes,
  adminConversationRoutes,
  keyRoutes,
  fileApi,
  historyRoutes,
  adminDirectoryRoutes,
  adminPartnerRoutes,
  adminPolicyRoutes,
  adminShareRoutes,
  adminRegistrationRoutes,
  adminStationRoutes,
  adminKeyRoutes,
  adminVaultRoutes,
  adminAuthRoutes,
  tokenRoutes,
  auditRoutes,
  statusRoutes,
]

/** The OpenAPI 3.1 description of both listeners. */
export function buildOpenApiDocument(): OpenApiDocument {
  const app = new OpenAPIHono()
  for (const group of ROUTES)
    for (const route of Object.values(group)) app.openAPIRegistry.registerPath(route)
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Keyhaven', version: SERVER_VERSION, description: DESCRIPTION },
  })
}
