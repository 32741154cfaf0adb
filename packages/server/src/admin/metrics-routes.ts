import type { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { PROMETHEUS_MEDIA_TYPE, prometheusText } from '../platform/metrics/prometheus-text.ts'
import type { MetricSnapshot } from '../platform/metrics/registry.ts'

export interface MetricsRouteParts {
  /** Of all processes. */
  readonly collect: () => Promise<readonly MetricSnapshot[]>
  /** Whether the admin address can be reached from this machine only: then Prometheus needs no token. */
  readonly open: boolean
  readonly signedIn: MiddlewareHandler<AdminEnv>
}

/** Only on the admin address: on the public one it would tell everybody how much traffic there is. */
export function addMetricsRoutes(app: OpenAPIHono<AdminEnv>, parts: MetricsRouteParts): void {
  if (!parts.open) app.use('/metrics', parts.signedIn, requirePermission('read'))
  app.get('/metrics', async () => {
    const text = prometheusText(await parts.collect())
    return new Response(text, {
      headers: { 'content-type': PROMETHEUS_MEDIA_TYPE, 'cache-control': 'no-store' },
    })
  })
}
