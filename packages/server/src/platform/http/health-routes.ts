import type { OpenAPIHono } from '@hono/zod-openapi'
import type { StateChanges } from '../state/state-changes.ts'
import type { AppEnv } from './call-origin.ts'

export interface HealthParts {
  readonly changes: StateChanges
  /** Where calls are remembered, so that none runs twice. */
  readonly replay: { checkReady(): void }
}

/** For load balancers: `/healthz` says that the process answers, `/readyz` that it can serve, too. */
export function addHealthRoutes<Env extends AppEnv>(app: OpenAPIHono<Env>, parts: HealthParts): void {
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', async (c) => {
    await parts.changes.refresh()
    parts.replay.checkReady()
    return c.json({ status: 'ready' })
  })
}
