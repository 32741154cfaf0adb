import type { OpenAPIHono } from '@hono/zod-openapi'
import type { StateChanges } from '../state/state-changes.ts'
import type { AppEnv } from './call-origin.ts'

/** For load balancers: `/healthz` says that the process answers, `/readyz` that the database does, too. */
export function addHealthRoutes<Env extends AppEnv>(app: OpenAPIHono<Env>, changes: StateChanges): void {
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', async (c) => {
    await changes.refresh()
    return c.json({ status: 'ready' })
  })
}
