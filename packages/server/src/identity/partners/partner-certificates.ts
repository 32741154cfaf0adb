import { KeyhavenError } from '@keyhaven/crypto'
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

/** @param domain - whose authorities count; `TRUST_CA`: all. @throws KeyhavenError `CERTIFICATE_INVALID` */
export async function trustPartner(
  { store }: OpenPartners,
  domain: string,
  [leaf, ...intermediates]: readonly [Certificate, ...Certificate[]],
  at: number,
): Promise<void> {
  const authorities = await store.reads.authorities.list({})
  const ofDomain = authorities.filter((one) => domain === 'TRUST_CA' || one.domain === domain)
  const ended = new Set(ofDomain.filter(({ state }) => state === 'revoked').map(({ id }) => id))
  const anchors = ofDomain.map(({ certificate }) => parseCertificate(certificate))
  const revoked = ({ thumbprint }: Certificate) => ended.has(Buffer.from(thumbprint).toString('hex'))
  await verifyChain(leaf, { intermediates, anchors, at, revoked, usage: 'sign' })
}
