import { backend, KeyhavenError } from '@keyhaven/crypto'
import { verifyDetachedJws, verifyJwt } from '../mosip/jws.ts'
import type { Certificate } from '../x509/certificate.ts'
import { parseCertificates } from '../x509/parse-certificate.ts'
import { verifyChain } from '../x509/verify-chain.ts'

/** Whom a relying party believes to be IDA: certificates that lead to roots that it has from elsewhere. */
export interface IdaTrust {
  /** The newest of a key's certificates. @throws KeyhavenError `CERTIFICATE_INVALID` */
  recipientOf(pem: string): Promise<Certificate>
  /**
   * @param request - digest of the request that it must answer: see `requestDigest`.
   * @param bound - whether an answer that names no request is refused; MOSIP's own IDA names none.
   * @throws KeyhavenError `SIGNATURE_INVALID`, `CERTIFICATE_INVALID`
   */
  verifyAnswer(signature: string | null, body: string, request: string, bound: boolean): Promise<void>
  /** A statement that IDA signed. Throws as {@link verifyAnswer}. */
  verifyStatement(jws: string): Promise<Uint8Array>
}

/**
 * @param anchors - PEM of IDA's root certificates (K15), one or more.
 * @param clock - milliseconds since the epoch.
 */
export function createIdaTrust(anchors: string, clock: () => number): IdaTrust {
  const roots = parseCertificates(anchors)
  if (roots.length === 0) throw new TypeError('idaRoots: no certificate')
  const trusted = async (certificates: readonly Certificate[], usage: 'sign' | 'encrypt') => {
    const [leaf, ...intermediates] = certificates
    if (leaf === undefined) throw new KeyhavenError('CERTIFICATE_INVALID', 'there is no certificate')
    const revoked = () => false
    await verifyChain(leaf, { intermediates, anchors: roots, at: clock(), revoked, usage })
    return leaf
  }
  const trust = async (certificates: readonly Certificate[]) => {
    await trusted(certificates, 'sign')
  }
  return {
    recipientOf: (pem) => trusted(parseCertificates(pem), 'encrypt'),
    async verifyAnswer(signature, body, request, bound) {
      if (signature === null) throw new KeyhavenError('SIGNATURE_INVALID', 'the answer is not signed')
      const { header } = await verifyDetachedJws(backend, signature, body, { trust })
      if (header.req === request || (header.req === undefined && !bound)) return
      throw new KeyhavenError('SIGNATURE_INVALID', 'the answer is to another request')
    },
    verifyStatement: async (jws) => (await verifyJwt(backend, jws, { trust })).payload,
  }
}
