import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { mosipTime } from '@keyhaven/identity'
import type { CredentialService } from '@keyhaven/identity/service'
import { ID_TYPES } from '@keyhaven/identity/service'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { admitServices, type MosipRouteParts, mosipRoutes } from '../mosip-routes.ts'

const MAX_BODY_BYTES = 65_536
const MAX_NAME_CHARACTERS = 128
const PREFIX = '/v1/credentialrequest'

const CODES = {
  codes: {
    INPUT_INVALID: 'IDR-CRG-009',
    NOT_FOUND: 'IDR-CRG-005',
    ACCESS_DENIED: 'KER-ATH-403',
    WIRE_TOO_LARGE: 'IDR-CRG-009',
  },
  otherwise: 'IDR-CRG-004',
} as const

const name = z.string().min(1).max(MAX_NAME_CHARACTERS)
/** The server's own orders begin with a registration: by such a name a service would stand in their way. */
const OF_A_REGISTRATION = /^\d{29}(?:-|$)/
const orderSchema = z.object({
  /** Chosen by the caller: the same again does nothing. */
  requestId: name.refine((id) => !OF_A_REGISTRATION.test(id)),
  id: name,
  idType: z.enum(ID_TYPES).default('UIN'),
  credentialType: name,
  /** Partner id, as MOSIP calls it. */
  issuer: name,
  policyId: name,
  expiryTimestamp: z.iso.datetime().optional(),
  transactionLimit: z.int().min(1).optional(),
})

export interface CredentialRouteParts extends MosipRouteParts {
  readonly credentials: Pick<CredentialService<unknown>, 'request' | 'status'>
}

/** Orders for credentials, and how far they are. The id is never in a path. */
export function addCredentialRoutes(app: OpenAPIHono<AppEnv>, parts: CredentialRouteParts): void {
  const { credentials } = parts
  const route = mosipRoutes(app, parts, { codes: CODES, admits: admitServices, maxBytes: MAX_BODY_BYTES })
  route('post', `${PREFIX}/requestgenerator`, async ({ request }) => {
    const { issuer: partner, expiryTimestamp, transactionLimit, ...order } = request(orderSchema)
    await credentials.request({
      ...{ ...order, partner },
      ...(expiryTimestamp !== undefined && { expiresAt: Date.parse(expiryTimestamp) }),
      ...(transactionLimit !== undefined && { transactionLimit }),
    })
    return { requestId: order.requestId }
  })
  route('get', `${PREFIX}/get/:requestId`, async ({ param }) => {
    const status = await credentials.status(param('requestId'))
    if (status === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no such credential request')
    return {
      requestId: status.requestId,
      statusCode: status.state,
      statusComment: status.failure,
      credentialType: status.credentialType,
      issuer: status.partner,
      policyId: status.policyId,
      url: status.dataShareUri,
      requestedAt: mosipTime(status.requestedAt),
      issuedAt: status.issuedAt === null ? null : mosipTime(status.issuedAt),
    }
  })
}
