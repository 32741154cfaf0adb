import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { applicationIdSchema } from '../applications/application-routes.ts'
import type { ApplicationService } from '../applications/application-service.ts'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { problemAnswers, timeSchema } from '../platform/http/schemas.ts'
import type { State } from '../platform/state/state.ts'
import { keyStateSchema } from './e2e-key-json.ts'
import { hourOf, MS_PER_HOUR } from './usage-counter.ts'
import { reportUsage } from './usage-report.ts'
import type { UsageStore } from './usage-store.ts'
import { MAX_NEW_INSTALLATIONS_PER_HOUR, USAGE_RETENTION_DAYS } from './usage-store.ts'

const HOURS_PER_DAY = 24

const windowSchema = z
  .string()
  .regex(/^[1-9][0-9]{0,3}[hd]$/, 'hours or days, such as 24h or 30d')
  .transform((text) => Number.parseInt(text, 10) * (text.endsWith('d') ? HOURS_PER_DAY : 1))
  .refine((hours) => hours <= USAGE_RETENTION_DAYS * HOURS_PER_DAY, `at most ${USAGE_RETENTION_DAYS}d`)
  .openapi({ type: 'string', example: '24h' })

const versionSchema = z.object({ appVersion: z.string(), installations: z.int() })

const usageSchema = z
  .object({
    from: timeSchema,
    to: timeSchema,
    requests: z.int(),
    installations: z.int(),
    installationsLeftOut: z.int().openapi({
      description:
        'At most so many called and are not counted: an application takes ' +
        `${MAX_NEW_INSTALLATIONS_PER_HOUR} new ones an hour, as a client can invent them`,
    }),
    keys: z.array(
      z.object({
        id: z.uuid(),
        keyId: z.int(),
        state: keyStateSchema,
        requests: z.int(),
        requestShare: z.number().openapi({ description: '0 to 1' }),
        installations: z.int().openapi({ description: 'Whose last call used this key' }),
        installationShare: z.number(),
        lastUsedAt: timeSchema.nullable(),
        byAppVersion: z.array(versionSchema.extend({ requests: z.int() })),
        verdict: z.object({
          safe: z.boolean(),
          installations: z.int().openapi({ description: 'How many would break' }),
          byAppVersion: z.array(versionSchema),
          text: z.string(),
        }),
      }),
    ),
    series: z.array(
      z.object({ hour: timeSchema, keyId: z.int(), appVersion: z.string(), requests: z.int() }),
    ),
  })
  .openapi('Usage')

export const usageRoutes = {
  usage: createRoute({
    method: 'get',
    path: '/admin/v1/applications/{id}/e2e-keys/usage',
    tags: ['E2E keys'],
    security: [{ bearer: [] }],
    summary: 'Who uses which key, and whether it is safe to revoke',
    middleware: [requirePermission('read')],
    request: {
      params: z.object({ id: applicationIdSchema }),
      query: z.object({ window: windowSchema.default(HOURS_PER_DAY) }),
    },
    responses: {
      200: {
        description: 'By key and app version',
        content: { 'application/json': { schema: usageSchema } },
      },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
}

export interface UsageRouteParts {
  readonly state: State
  readonly applications: ApplicationService
  readonly usage: UsageStore
  /** Writes what is still counted in memory, so that a report is up to date. */
  readonly flush: () => Promise<void>
  readonly clock: () => number
}

/** Add before the routes of single keys: `usage` is no key. */
export function addUsageRoutes(app: OpenAPIHono<AdminEnv>, parts: UsageRouteParts): void {
  const { state, applications, usage, flush, clock } = parts

  app.openapi(usageRoutes.usage, async (c) => {
    const { id } = await applications.get(c.req.valid('param').id)
    const to = clock()
    const from = to - c.req.valid('query').window * MS_PER_HOUR
    await flush()
    const lastUsed = await usage.keysLastUsed(id)
    const keys = (await state.keys.listE2eKeys(id)).map((key) => ({
      id: key.id,
      keyId: key.keyId,
      state: key.state,
      lastUsedAt: lastUsed.get(key.id) ?? null,
    }))
    // Whole hours: the one in which the window begins is part of it.
    const hours = await usage.hours(id, hourOf(from))
    const report = reportUsage(
      keys,
      hours,
      await usage.installations(id, from),
      await usage.installationsLeftOut(id, hourOf(from)),
    )
    const keyIds = new Map(keys.map((key) => [key.id, key.keyId]))
    return c.json(
      {
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        requests: report.requests,
        installations: report.installations,
        installationsLeftOut: report.installationsLeftOut,
        keys: report.keys.map((key) => ({
          ...key,
          lastUsedAt: key.lastUsedAt === null ? null : new Date(key.lastUsedAt).toISOString(),
          byAppVersion: [...key.byAppVersion],
          verdict: { ...key.verdict, byAppVersion: [...key.verdict.byAppVersion] },
        })),
        series: hours.map((hour) => ({
          hour: new Date(hour.hour).toISOString(),
          keyId: keyIds.get(hour.keyUuid) ?? 0,
          appVersion: hour.appVersion,
          requests: hour.requests,
        })),
      },
      200,
    )
  })
}
