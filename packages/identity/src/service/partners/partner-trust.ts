import { KeyhavenError, toHex } from '@keyhaven/crypto'
import type { PartnerDomain } from '../../partners/partner-types.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { parseCertificate } from '../../x509/parse-certificate.ts'
import { type CertificatePurpose, verifyChain } from '../../x509/verify-chain.ts'
import type { PartnerReads } from './ports.ts'

export interface TrustQuestion {
  readonly domain: PartnerDomain
  /** The subject's `O` must be it; undefined: of an authority, which is nobody's. */
  readonly organisation: string | undefined
  readonly usage: CertificatePurpose
  /** Milliseconds since the epoch. */
  readonly at: number
}

/**
 * The chain of a certificate up to an authority of its domain, checked now: signatures, dates, key sizes,
 * revocation, purpose, organisation.
 *
 * @returns leaf first.
 * @throws KeyhavenError `CERTIFICATE_INVALID`, the message says which.
 */
export async function partnerChain(
  reads: Pick<PartnerReads, 'authorities'>,
  leaf: Certificate,
  { domain, organisation, usage, at }: TrustQuestion,
): Promise<Certificate[]> {
  if (organisation !== undefined && !leaf.organisations.includes(organisation)) {
    throw new KeyhavenError(
      'CERTIFICATE_INVALID',
      'the certificate is not valid: it names another organisation than the partner’s',
    )
  }
  const authorities = await reads.authorities.list({ domain })
  const revoked = new Set(authorities.filter(({ state }) => state === 'revoked').map(({ id }) => id))
  const anchors = authorities
    .filter(({ root }) => root)
    .map(({ certificate }) => parseCertificate(certificate))
  const intermediates = authorities
    .filter(({ root }) => !root)
    .map(({ certificate }) => parseCertificate(certificate))
  return verifyChain(leaf, {
    ...{ anchors, intermediates, at, usage },
    revoked: ({ thumbprint }) => revoked.has(toHex(thumbprint)),
  })
}
