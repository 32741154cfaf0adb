import type { OpenAPIHono } from '@hono/zod-openapi'
import {
  type Certificate,
  certificateToPem,
  type IdentityKeys,
  mosipErrors,
  mosipResponse,
  mosipTime,
  parseKeyName,
} from '@keyhaven/identity'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import type { PartnerKey } from '../ida/partner-key.ts'
import { mosipJson } from '../mosip-answer.ts'
import { AUTHENTICATION_PREFIX } from './auth-routes.ts'

export interface CertificateRouteParts {
  readonly keys: IdentityKeys
  readonly partnerKey: Pick<PartnerKey, 'chain'>
  /** Partner id of this IDA: reference id of PK8. */
  readonly partnerId: string
  readonly clock: () => number
}

/**
 * Certificates of IDA's keys, public as they are: relying parties encrypt to K20, devices to K21, the issuer to
 * K22 and PK8. Beside MOSIP's answer stands the chain, so that a root is enough to be sure of it.
 */
export function addCertificateRoutes(app: OpenAPIHono<AppEnv>, parts: CertificateRouteParts): void {
  const { keys, partnerKey, partnerId, clock } = parts
  app.get(`${AUTHENTICATION_PREFIX}/internal/getCertificate`, async (c) => {
    const { applicationId, referenceId } = c.req.query()
    const now = clock()
    try {
      const isPartner = applicationId === 'IDA' && referenceId === partnerId
      const chain = await (isPartner
        ? partnerKey.chain()
        : keys.chain(parseKeyName(applicationId, referenceId)))
      return mosipJson(mosipResponse(answerOf(chain, now), now))
    } catch {
      const error = { errorCode: 'KER-KMS-002', message: 'ApplicationId not found in Key Policy' }
      return mosipJson(mosipErrors([error], now))
    }
  })
}

function answerOf([certificate, ...above]: readonly Certificate[], now: number): object {
  return {
    certificate: certificateToPem(certificate!),
    certSignRequest: null,
    issuedAt: mosipTime(certificate!.notBefore),
    expiryAt: mosipTime(certificate!.notAfter),
    timestamp: mosipTime(now),
    chain: above.map(certificateToPem),
  }
}
