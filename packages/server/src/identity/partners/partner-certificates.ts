import { KeyhavenError, toHex } from '@keyhaven/crypto'
import { type Certificate, parseCertificate, verifyChain } from '@keyhaven/identity'
import { certificateOf as partnerCertificateOf } from '@keyhaven/identity/service'
import type { OpenPartners } from './open-partners.ts'

/** Of now, for encryption to it: whoever's has ended, or was revoked, is sent nothing. */
export async function certificateOf(
  { store: { reads } }: OpenPartners,
  partnerId: string,
  at: number,
): Promise<Certificate> {
  const partner = await reads.partners.get(partnerId)
  if (partner !== undefined) return partnerCertificateOf(reads, partner, 'encrypt', at)
  throw new KeyhavenError('KEY_UNKNOWN', 'there is no certificate of this partner')
}

/**
 * Whether the signer of a JWS is trusted in a domain now, for the key manager's `jwtVerify`: its chain ends at a root
 * of the domain, and nothing in it was revoked, the partner's own certificate neither.
 *
 * @param domain - whose authorities count; `TRUST_CA`: all.
 * @param at - milliseconds since the epoch.
 * @throws KeyhavenError `CERTIFICATE_INVALID`
 */
export async function trustPartner(
  { store: { reads } }: Pick<OpenPartners, 'store'>,
  domain: string,
  [leaf, ...sent]: readonly [Certificate, ...Certificate[]],
  at: number,
): Promise<void> {
  const authorities = await reads.authorities.list({})
  const ofDomain = authorities.filter((one) => domain === 'TRUST_CA' || one.domain === domain)
  const ended = new Set(authorities.filter(({ state }) => state === 'revoked').map(({ id }) => id))
  const parsed = (root: boolean) =>
    ofDomain.filter((one) => one.root === root).map(({ certificate }) => parseCertificate(certificate))
  if ((await reads.certificates.get(toHex(leaf.thumbprint)))?.state === 'revoked') {
    throw new KeyhavenError('CERTIFICATE_INVALID', 'the certificate is not valid: it was revoked')
  }
  await verifyChain(leaf, {
    ...{ anchors: parsed(true), intermediates: [...sent, ...parsed(false)], at, usage: 'sign' },
    revoked: ({ thumbprint }) => ended.has(toHex(thumbprint)),
  })
}
