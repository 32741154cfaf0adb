import { backend, KeyhavenError, toHex, utf8 } from '@keyhaven/crypto'
import type { AuthKind } from '../../authentication/auth-messages.ts'
import type { PolicyUpdate } from '../../authentication/partner-update.ts'
import type { AuthPolicy } from '../../policy/policy-document.ts'
import type { Profile } from '../../profile.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { type CertificatePurpose, verifyChain } from '../../x509/verify-chain.ts'
import { IdaRefusal, refuse } from './ida-refusal.ts'
import type { KnownPartner, PartnerSnapshot } from './partner-view.ts'

/** What the address of a call says. */
export interface CallerKeys {
  readonly licenceKey: string
  readonly partnerId: string
  readonly apiKey: string
}

/** A relying party that may call now. */
export interface Caller {
  readonly partner: KnownPartner
  readonly partnerId: string
  readonly certificate: Certificate
  readonly policyId: string
  readonly policy: AuthPolicy
}

const MAX_KEY_CHARACTERS = 256
/** What a partner's certificate is used for: MOSIP's eKYC is encrypted to it. */
const USES = {
  signs: ['sign'],
  receives: ['sign', 'encrypt'],
} as const satisfies Record<string, readonly CertificatePurpose[]>

/**
 * Checks licence, MISP, partner, API key, policy and certificates, each now. All of them are public to the partner:
 * no private key has been used yet.
 *
 * @param profile - of this IDA: a partner of another one is none here.
 * @throws IdaRefusal
 */
export async function checkCaller(
  view: PartnerSnapshot,
  keys: CallerKeys,
  kind: Exclude<AuthKind, 'internal'>,
  profile: Profile,
  now: number,
): Promise<Caller> {
  await checkLicence(view, keys.licenceKey, kind, now)
  const partner = view.partner(keys.partnerId)
  if (partner === undefined || partner.update.partner.type !== 'Auth_Partner') throw refuse('PARTNER_UNKNOWN')
  if (partner.update.partner.profile !== profile) throw refuse('PARTNER_UNKNOWN')
  if (!partner.update.partner.active) throw refuse('PARTNER_INACTIVE')
  const policy = await policyOf(partner, keys.apiKey, now)
  const uses = kind === 'kyc' && profile === 'mosip' ? USES.receives : USES.signs
  const certificate = await checkCertificate(view, partner, uses, now)
  return { partner, partnerId: keys.partnerId, certificate, policyId: policy.id, policy: policy.body }
}

async function checkLicence(
  view: PartnerSnapshot,
  key: string,
  kind: Exclude<AuthKind, 'internal'>,
  now: number,
): Promise<void> {
  const hash = await hashOf(key)
  const misp = view.licensed(hash)
  const licence = misp?.update.licences.find((known) => known.hash === hash)
  if (misp === undefined || licence === undefined) throw refuse('LICENCE_UNKNOWN')
  if (!licence.active || !misp.update.partner.active) throw refuse('LICENCE_BLOCKED')
  if (licence.expiresAt <= now) throw refuse('LICENCE_EXPIRED')
  const policies = misp.update.policies.flatMap((policy) => (policy.type === 'MISP' ? [policy] : []))
  const live = policies.filter(({ validUntil }) => validUntil === null || validUntil > now)
  const allowed = live.some(({ body }) =>
    kind === 'kyc' ? body.allowKycRequestDelegation : body.allowAuthRequestDelegation,
  )
  if (!allowed) throw refuse('LICENCE_BLOCKED')
  try {
    await checkCertificate(view, misp, USES.signs, now)
  } catch (error) {
    // Whose certificate has ended or was revoked stands for nobody.
    throw error instanceof IdaRefusal ? refuse('LICENCE_BLOCKED') : error
  }
}

async function policyOf(
  { update }: KnownPartner,
  key: string,
  now: number,
): Promise<PolicyUpdate & { readonly type: 'Auth' }> {
  const hash = await hashOf(key)
  const apiKey = update.apiKeys.find((known) => known.hash === hash)
  if (apiKey === undefined) throw refuse('POLICY_MISSING')
  if (!apiKey.active || apiKey.expiresAt <= now) throw refuse('POLICY_INACTIVE')
  const policy = update.policies.find(({ id }) => id === apiKey.policyId)
  if (policy === undefined || policy.type !== 'Auth') throw refuse('POLICY_INACTIVE')
  if (policy.validUntil !== null && policy.validUntil <= now) throw refuse('POLICY_INACTIVE')
  return policy
}

/** Chain, dates, key size, revocation, purpose and organisation, as they are now. */
async function checkCertificate(
  view: PartnerSnapshot,
  { update, certificate, chain }: KnownPartner,
  uses: readonly CertificatePurpose[],
  now: number,
): Promise<Certificate> {
  if (certificate === undefined) throw refuse('CERTIFICATE_MISSING')
  if (!certificate.organisations.includes(update.partner.organisation)) throw refuse('CERTIFICATE_INVALID')
  const { anchors, intermediates } = view.authorities('AUTH')
  try {
    for (const usage of uses) {
      await verifyChain(certificate, {
        ...{ intermediates: [...chain, ...intermediates], anchors, at: now, usage },
        revoked: (one) => view.revoked(one),
      })
    }
  } catch (error) {
    if (error instanceof KeyhavenError && error.code === 'CERTIFICATE_INVALID') {
      throw refuse('CERTIFICATE_INVALID')
    }
    throw error
  }
  return certificate
}

/** Keys have 256 bits of chance: their hash gives nothing away, nor does the time of a look-up by it. */
async function hashOf(key: string): Promise<string> {
  return toHex(await backend.sha256(utf8(key.slice(0, MAX_KEY_CHARACTERS))))
}
