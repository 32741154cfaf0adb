import type { OpenAPIHono } from '@hono/zod-openapi'
import type { StoredRegistration } from '@keyhaven/identity/service'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { problemResponse } from '../../platform/http/problem.ts'
import { createTokenGuard, type TokenGuardParts } from '../token-guard.ts'
import { addPacketReceiverRoute } from './packet-receiver-route.ts'
import { addPacketUploadRoutes } from './packet-upload-routes.ts'
import type { Registrations } from './registrations.ts'

const REGISTRATIONS_PATH = '/v1/identity/registrations'
/** Behind it `centre_machine`. */
const MACHINES_PATH = '/v1/identity/machines'

export interface RegistrationRouteParts extends TokenGuardParts {
  readonly registrations: Registrations
}

/** Packets in, for registration clients with a token; and how far a registration is. */
export function addRegistrationRoutes(app: OpenAPIHono<AppEnv>, parts: RegistrationRouteParts): void {
  const { registrations, clock } = parts
  const guard = createTokenGuard(parts)
  const manages = guard('manage-registrations')
  // The router's variables are those of an operator from here on.
  const router = app as unknown as OpenAPIHono<AdminEnv>
  addPacketReceiverRoute(router, registrations, manages, clock)
  addPacketUploadRoutes(router, registrations, manages)

  router.get(`${MACHINES_PATH}/:machine`, ...manages, async (c) =>
    c.json(await registrations.stationKeys(c.req.param('machine')), 200, { 'cache-control': 'no-store' }),
  )

  router.get(`${REGISTRATIONS_PATH}/:rid`, ...guard('read-registrations'), async (c) => {
    const rid = c.req.param('rid')
    const registration = await registrations.find(rid)
    if (registration === undefined) {
      return problemResponse('NOT_FOUND', { detail: 'There is no such registration.' })
    }
    const history = await registrations.history(rid)
    return c.json({ ...registrationJson(registration), history: history.map(eventJson) }, 200, {
      'cache-control': 'no-store',
    })
  })
}

/** What anybody who may see it sees of a registration: nothing of the person. */
export function registrationJson(registration: StoredRegistration) {
  const { rid, refId, stage, reason, attempt, packetBytes, packetHash, officer, receipt } = registration
  return {
    ...{ rid, refId, stage, reason, attempt, packetBytes, packetHash, officer, receipt },
    receivedAt: new Date(registration.receivedAt).toISOString(),
    changedAt: new Date(registration.changedAt).toISOString(),
  }
}

export function eventJson({ stage, reason, at }: { stage: string; reason: string | null; at: number }) {
  return { stage, reason, at: new Date(at).toISOString() }
}
