import { KeyhavenError, toHex } from '@keyhaven/crypto'
import { factsOfType, type PartnerDomain } from '../../partners/partner-types.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { certificateToPem, parseCertificate, parseCertificates } from '../../x509/parse-certificate.ts'
import { verifyChain } from '../../x509/verify-chain.ts'
import { type PartnerCaller, requireManager, requireOwn } from './caller.ts'
import { checkedText, MAX_REASON_CHARS } from './checked-text.ts'
import type { PartnerAnnouncer } from './partner-announcer.ts'
import type { Authority, PartnerCertificate } from './partner-records.ts'
import { partnerChain } from './partner-trust.ts'
import type { PartnerStore, PartnerTransaction } from './ports.ts'

const MAX_AUTHORITIES = 200

/** Certificates of partners (K14) and of the authorities above them (K13). */
export interface CertificateService {
  /**
   * By a manager: authorities of a domain, roots or below one that is known or in the same upload. Those that
   * are trusted in that domain already stay as they are.
   *
   * @param pem - one or more certificates.
   * @returns all that were given.
   * @throws KeyhavenError `CERTIFICATE_INVALID` (chain, dates, size), `CONFLICT` (revoked, or of another domain).
   */
  uploadAuthorities(domain: PartnerDomain, pem: string, caller: PartnerCaller): Promise<readonly Authority[]>
  /**
   * A partner's certificate; it takes the place of the one before.
   *
   * @param pem - one certificate.
   * @throws KeyhavenError `CERTIFICATE_INVALID` (chain, dates, size, revoked, purpose, organisation),
   *   `CONFLICT` (it is or was somebody's).
   */
  uploadCertificate(partnerId: string, pem: string, caller: PartnerCaller): Promise<PartnerCertificate>
  /**
   * For ever, with all that it stands above: partners' certificates under it are revoked in the same moment.
   */
  revokeAuthority(id: string, reason: string, caller: PartnerCaller): Promise<Authority>
  revokeCertificate(id: string, reason: string, caller: PartnerCaller): Promise<PartnerCertificate>
  /** The partner's certificate of now. @throws KeyhavenError `NOT_FOUND` */
  pem(partnerId: string, caller: PartnerCaller): Promise<string>
}

export function createCertificateService(
  store: PartnerStore,
  announcer: PartnerAnnouncer,
): CertificateService {
  return {
    async uploadAuthorities(domain, pem, caller) {
      requireManager(caller)
      const given = parseCertificates(pem)
      return store.transaction(async (tx) => {
        const known = await tx.authorities.list({ domain })
        if (known.length + given.length > MAX_AUTHORITIES) {
          throw new KeyhavenError('CONFLICT', `a domain has at most ${MAX_AUTHORITIES} authorities`)
        }
        const trusted: Authority[] = []
        for (const certificate of rootsFirst(given)) {
          const before = await tx.authorities.get(toHex(certificate.thumbprint))
          if (before?.domain === domain && before.state === 'active') {
            trusted.push(before)
            continue
          }
          const authority = await acceptAuthority(tx, domain, certificate, caller)
          trusted.push(authority)
          tx.audit({
            ...{ actor: caller.actor, action: 'partner.authority.add', subject: authority.id },
            detail: { domain, subject: authority.subject },
          })
        }
        await announcer.authoritiesChanged(tx)
        return trusted
      })
    },

    async uploadCertificate(partnerId, pem, caller) {
      const [leaf, ...rest] = parseCertificates(pem)
      if (leaf === undefined || rest.length > 0) {
        throw new KeyhavenError(
          'CERTIFICATE_INVALID',
          'give exactly one certificate; authorities are uploaded before it',
        )
      }
      return store.transaction(async (tx) => {
        const partner = requireOwn(caller, await tx.partners.get(partnerId), partnerId)
        const id = toHex(leaf.thumbprint)
        if ((await tx.certificates.get(id)) !== undefined) {
          throw new KeyhavenError('CONFLICT', 'this certificate was uploaded before')
        }
        if (leaf.isCa)
          throw new KeyhavenError('CERTIFICATE_INVALID', 'an authority’s certificate is no partner’s')
        const question = {
          domain: factsOfType(partner.type).domain,
          organisation: partner.organisation,
          at: tx.now,
        }
        const chain = await partnerChain(tx, leaf, { ...question, usage: 'sign' })
        for (const before of await tx.certificates.list({ partnerId, state: 'active' })) {
          await tx.certificates.put({ ...before, state: 'replaced' })
        }
        const made: PartnerCertificate = {
          ...{
            id,
            partnerId,
            certificate: leaf.der,
            state: 'active',
            uploadedAt: tx.now,
            uploadedBy: caller.actor,
          },
          chain: JSON.stringify(chain.slice(1).map(({ thumbprint }) => toHex(thumbprint))),
          validFrom: Math.max(...chain.map(({ notBefore }) => notBefore)),
          validUntil: Math.min(...chain.map(({ notAfter }) => notAfter)),
        }
        await tx.certificates.put(made)
        // What was signed by the key before does not count for this one.
        const changed = { ...partner, encryptionKey: null, changedAt: tx.now }
        await tx.partners.put(changed)
        tx.audit({
          actor: caller.actor,
          action: 'partner.certificate',
          subject: partnerId,
          detail: { certificate: id },
        })
        await announcer.partnerChanged(tx, changed)
        return made
      })
    },

    async revokeAuthority(id, reason, caller) {
      requireManager(caller)
      return store.transaction(async (tx) => {
        const authority = await tx.authorities.get(id)
        if (authority === undefined) throw new KeyhavenError('NOT_FOUND', `there is no authority ${id}`)
        const revoked: Authority = { ...authority, state: 'revoked' }
        await tx.authorities.put(revoked)
        const why = checkedText('reason', reason, MAX_REASON_CHARS)
        tx.audit({
          actor: caller.actor,
          action: 'partner.authority.revoke',
          subject: id,
          detail: { reason: why },
        })
        for (const state of ['active', 'replaced'] as const) {
          for (const below of await tx.certificates.list({ state })) {
            if ((JSON.parse(below.chain) as string[]).includes(id)) await revoke(tx, below, why, caller)
          }
        }
        await announcer.authoritiesChanged(tx)
        return revoked
      })
    },

    revokeCertificate: (id, reason, caller) =>
      store.transaction(async (tx) => {
        const found = await tx.certificates.get(id)
        if (found === undefined) throw new KeyhavenError('NOT_FOUND', `there is no certificate ${id}`)
        requireOwn(caller, await tx.partners.get(found.partnerId), found.partnerId)
        const revoked = await revoke(tx, found, checkedText('reason', reason, MAX_REASON_CHARS), caller)
        await announcer.authoritiesChanged(tx)
        return revoked
      }),

    async pem(partnerId, caller) {
      requireOwn(caller, await store.reads.partners.get(partnerId), partnerId)
      const [found] = await store.reads.certificates.list({ partnerId, state: 'active' }, { limit: 1 })
      if (found === undefined) throw new KeyhavenError('NOT_FOUND', 'the partner has no certificate')
      return certificateToPem(parseCertificate(found.certificate))
    },
  }

  async function revoke(
    tx: PartnerTransaction,
    found: PartnerCertificate,
    reason: string,
    { actor }: PartnerCaller,
  ): Promise<PartnerCertificate> {
    const revoked: PartnerCertificate = { ...found, state: 'revoked' }
    await tx.certificates.put(revoked)
    const detail = { certificate: found.id, reason }
    tx.audit({ actor, action: 'partner.certificate.revoke', subject: found.partnerId, detail })
    const partner = await tx.partners.get(found.partnerId)
    if (partner !== undefined) await announcer.partnerChanged(tx, partner)
    return revoked
  }
}

async function acceptAuthority(
  tx: PartnerTransaction,
  domain: PartnerDomain,
  certificate: Certificate,
  { actor }: PartnerCaller,
): Promise<Authority> {
  const id = toHex(certificate.thumbprint)
  if ((await tx.authorities.get(id)) !== undefined) {
    throw new KeyhavenError('CONFLICT', 'this authority was revoked, or is one of another domain')
  }
  const root = isSelfNamed(certificate)
  if (root) {
    // Its own anchor: dates, size, usage and that it is an authority.
    const none = { intermediates: [], revoked: () => false }
    await verifyChain(certificate, { ...none, anchors: [certificate], at: tx.now, usage: 'issue' })
  } else await partnerChain(tx, certificate, { domain, organisation: undefined, usage: 'issue', at: tx.now })
  const authority: Authority = {
    ...{ id, domain, certificate: certificate.der, subject: certificate.subject, root, state: 'active' },
    ...{ notBefore: certificate.notBefore, notAfter: certificate.notAfter },
    ...{ uploadedAt: tx.now, uploadedBy: actor },
  }
  await tx.authorities.put(authority)
  return authority
}

function isSelfNamed({ subject, issuer }: Certificate): boolean {
  return subject === issuer
}

/** Each behind those above it, as far as they are in the list. */
function rootsFirst(given: readonly Certificate[]): Certificate[] {
  const left = [...given]
  const sorted: Certificate[] = []
  while (left.length > 0) {
    const next = left.findIndex(
      (one) => isSelfNamed(one) || !left.some((other) => other.subject === one.issuer),
    )
    sorted.push(...left.splice(Math.max(next, 0), 1))
  }
  return sorted
}
