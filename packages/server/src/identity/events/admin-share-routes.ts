import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import type { Datashare, EventDeliverer, Records, Share } from '@keyhaven/identity/service'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import { decodeCursor, encodeCursor } from '../../platform/http/page-cursor.ts'
import type { StateTransaction } from '../../platform/state/state.ts'
import { changeRoute, listPage, listRoute, shown } from '../partners/admin-partner-api.ts'
import { eventSchema, shareSchema } from '../partners/admin-partner-json.ts'
import type { PartnerServices } from '../partners/partner-services.ts'

const MAX_TEXT_CHARS = 128
const partnerId = z.string().max(MAX_TEXT_CHARS).optional()

export const adminShareRoutes = {
  shares: listRoute(
    '/shares',
    'List shares: for whom, how often and until when, never content',
    shareSchema,
    {
      state: z.enum(['live', 'ended', 'deleted']).optional(),
      subscriberId: partnerId,
    },
  ),
  revokeShare: changeRoute('/shares/{item}/revoke', 'End a share, at once', z.strictObject({}), z.object({})),
  events: listRoute('/events', 'List events to partners, newest first; they can be sent again', eventSchema, {
    state: z.enum(['kept', 'waiting', 'delivered', 'dead']).optional(),
    partnerId,
  }),
  replay: changeRoute('/events/{item}/replay', 'Send an event again', z.strictObject({}), eventSchema),
}

export interface AdminShareParts {
  readonly services: (applicationId: string) => Promise<
    Pick<PartnerServices, 'eventStore'> & {
      readonly shares: Records<Share>
      readonly datashare: Pick<Datashare, 'revoke'>
      readonly deliverer: Pick<EventDeliverer<StateTransaction>, 'replay'>
    }
  >
}

export function addAdminShareRoutes(app: OpenAPIHono<AdminEnv>, { services }: AdminShareParts): void {
  app.openapi(adminShareRoutes.shares, async (c) => {
    const { shares } = await services(c.req.valid('param').id)
    const { state, subscriberId, ...page } = c.req.valid('query')
    return c.json(await listPage(shares, shareSchema, { state, subscriberId }, page), 200)
  })

  app.openapi(adminShareRoutes.revokeShare, async (c) => {
    const { id, item } = c.req.valid('param')
    await (await services(id)).datashare.revoke(item, c.var.principal.actor)
    return c.json({}, 200)
  })

  app.openapi(adminShareRoutes.events, async (c) => {
    const { eventStore } = await services(c.req.valid('param').id)
    const { state, partnerId: of, cursor, limit } = c.req.valid('query')
    const equal = {
      ...(state === undefined ? {} : { state }),
      ...(of === undefined ? {} : { partnerId: of }),
    }
    const [before] = cursor === undefined ? [] : decodeCursor(cursor, 'number')
    const found = await eventStore.newest(equal, { before, limit: limit + 1 })
    const items = found.slice(0, limit)
    const last = items.at(-1)
    const nextCursor = found.length > limit && last !== undefined ? encodeCursor([last.sequence]) : null
    return c.json({ items: items.map((event) => shown(eventSchema, event)), nextCursor }, 200)
  })

  app.openapi(adminShareRoutes.replay, async (c) => {
    const { id, item } = c.req.valid('param')
    const { deliverer } = await services(id)
    return c.json(shown(eventSchema, await deliverer.replay(item, c.var.principal.actor)), 200)
  })
}
