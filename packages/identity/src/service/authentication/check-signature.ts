import { backend, fromBase64url, KeyhavenError, toHex } from '@keyhaven/crypto'
import { verifyDetachedJws } from '../../mosip/jws.ts'
import type { PartnerSignedRequest } from '../../oprf/oprf-wire.ts'
import type { Caller } from './check-caller.ts'
import { refuse } from './ida-refusal.ts'

/**
 * Verifies the partner's detached signature over the very text of the body. The certificate that it names must
 * be the registered one: a partner that was given another chain of trust cannot bring its own.
 *
 * @returns what entitles to one question to the oblivious PRF.
 * @throws IdaRefusal
 */
export async function checkSignature(
  caller: Caller,
  signature: string | undefined,
  body: string,
): Promise<PartnerSignedRequest> {
  if (signature === undefined || signature === '') throw refuse('SIGNATURE_INVALID')
  let signingInput: Uint8Array
  try {
    const verified = await verifyDetachedJws(backend, signature, body, {
      trust: ([signer]) => {
        if (toHex(signer.thumbprint) !== toHex(caller.certificate.thumbprint))
          throw refuse('CERTIFICATE_OTHER')
      },
    })
    signingInput = verified.signingInput
  } catch (error) {
    if (!(error instanceof KeyhavenError)) throw error
    if (error.code === 'CERTIFICATE_INVALID') throw refuse('CERTIFICATE_INVALID')
    throw refuse(isWithoutCertificate(signature) ? 'CERTIFICATE_NOT_SENT' : 'SIGNATURE_INVALID')
  }
  return {
    digest: await backend.sha256(signingInput),
    signature: fromBase64url(signature.split('.')[2]!),
    certificates: [caller.certificate, ...caller.partner.chain].map(({ der }) => der),
  }
}

function isWithoutCertificate(signature: string): boolean {
  try {
    const header: unknown = JSON.parse(new TextDecoder().decode(fromBase64url(signature.split('.')[0]!)))
    return typeof header === 'object' && header !== null && !('x5c' in header)
  } catch {
    return false
  }
}
