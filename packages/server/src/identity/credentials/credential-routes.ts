import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { mosipTime } from '@keyhaven/identity'
import type { CredentialService } from '@keyhaven/identity/service'
import { ID_TYPES } from '@keyhaven/identity/service'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { type ServiceRouteParts, serviceRoute } from '../vault/service-routes.ts'

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
const orderSchema = z.object({
  /** Chosen by the caller: the same again does nothing. */
  requestId: name,
  id: name,
  idType: z.enum(ID_TYPES).default('UIN'),
  credentialType: name,
  /** Partner id, as MOSIP calls it. */
  issuer: name,
  policyId: name,
  expiryTimestamp: z.iso.datetime().optional(),
  transactionLimit: z.int().min(1).optional(),
})

export interface CredentialRouteParts extends ServiceRouteParts {
  readonly credentials: Pick<CredentialService<unknown>, 'request' | 'status'>
}

/** Orders for credentials, and how far they are. The id is never in a path. */
export function addCredentialRoutes(app: OpenAPIHono<AppEnv>, parts: CredentialRouteParts): void {
  const { credentials } = parts
  serviceRoute(
    app,
    parts,
    CODES,
    { method: 'POST', path: `${PREFIX}/requestgenerator`, schema: orderSchema, maxBytes: MAX_BODY_BYTES },
    async ({ request }) => {
      const { requestId, id, idType, credentialType, issuer, policyId } = request
      await credentials.request({
        ...{ requestId, id, idType, credentialType, partner: issuer, policyId },
        ...(request.expiryTimestamp !== undefined && { expiresAt: Date.parse(request.expiryTimestamp) }),
        ...(request.transactionLimit !== undefined && { transactionLimit: request.transactionLimit }),
      })
      return { requestId }
    },
  )
  serviceRoute(
    app,
    parts,
    CODES,
    { method: 'GET', path: `${PREFIX}/get/:requestId`, schema: z.undefined(), maxBytes: 0 },
    async ({ param }) => {
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
    },
  )
}
