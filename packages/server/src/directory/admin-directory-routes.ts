import type { OpenAPIHono } from '@hono/zod-openapi'
import type { AdminEnv } from '../platform/auth/principal.ts'
import type { AdminDirectoryParts } from './admin-directory-api.ts'
import { addAdminSignUpTokenRoutes, adminSignUpTokenRoutes } from './admin-sign-up-token-routes.ts'
import { addAdminUserRoutes, adminUserRoutes } from './admin-user-routes.ts'
import { addAdminLogRoutes, adminLogRoutes } from './log/admin-log-routes.ts'

export const adminDirectoryRoutes = { ...adminUserRoutes, ...adminSignUpTokenRoutes, ...adminLogRoutes }

export function addAdminDirectoryRoutes(app: OpenAPIHono<AdminEnv>, parts: AdminDirectoryParts): void {
  addAdminUserRoutes(app, parts)
  addAdminSignUpTokenRoutes(app, parts)
  addAdminLogRoutes(app, parts)
}
