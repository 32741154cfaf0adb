import { KeyhavenError, toHex } from '@keyhaven/crypto'
import { factsOfType } from '../../partners/partner-types.ts'
import { parsePolicy } from '../../policy/parse-policy.ts'
import type { DataSharePolicy } from '../../policy/policy-document.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { parseCertificate } from '../../x509/parse-certificate.ts'
import type { CertificatePurpose } from '../../x509/verify-chain.ts'
import type { PartnerDecision, PartnerQuestion } from './partner-decisions.ts'
import type { Partner, Policy } from './partner-records.ts'
import { partnerChain } from './partner-trust.ts'
import type { PartnerReads } from './ports.ts'

const SHARES = 'DataShare'

/**
 * Decides by what is committed, or as a transaction sees it. Whatever is missing or unclear refuses.
 *
 * @param at - milliseconds since the epoch.
 * @throws KeyhavenError `POLICY_REFUSED`, `CERTIFICATE_INVALID`.
 */
export async function judge(
  reads: PartnerReads,
  { partnerId, policyId }: Pick<PartnerQuestion, 'partnerId' | 'policyId'>,
  at: number,
): Promise<PartnerDecision> {
  const partner = await reads.partners.get(partnerId)
  if (partner === undefined) throw refused(`there is no partner ${partnerId}`)
  if (partner.state !== 'active') throw refused(`partner ${partnerId} is not active`)
  const policy = await livePolicy(reads, policyId, at)
  if (policy.type !== SHARES || factsOfType(partner.type).policy !== SHARES) {
    throw refused(`policy ${policyId} is none for shares, or for a partner of type ${partner.type}`)
  }
  const body = parsedBody(policy)
  const [subscription] = await reads.subscriptions.list(
    { partnerId, policyId, state: 'approved' },
    { limit: 1 },
  )
  if (subscription === undefined)
    throw refused(`partner ${partnerId} has no approved subscription to ${policyId}`)
  const certificate = await certificateOf(reads, partner, 'encrypt', at)
  return { partner, policy: { id: policy.id, version: policy.version, body }, certificate }
}

/** The partner's certificate of now, with its whole chain checked for a use. */
export async function certificateOf(
  reads: Pick<PartnerReads, 'authorities' | 'certificates'>,
  partner: Partner,
  usage: CertificatePurpose,
  at: number,
): Promise<Certificate> {
  const [row] = await reads.certificates.list({ partnerId: partner.id, state: 'active' }, { limit: 1 })
  if (row === undefined) {
    throw new KeyhavenError(
      'CERTIFICATE_INVALID',
      `partner ${partner.id} has no certificate that is not revoked`,
    )
  }
  const leaf = parseCertificate(row.certificate)
  if (toHex(leaf.thumbprint) !== row.id) {
    throw new KeyhavenError(
      'CERTIFICATE_INVALID',
      `the stored certificate of partner ${partner.id} was changed`,
    )
  }
  const { domain } = factsOfType(partner.type)
  await partnerChain(reads, leaf, { domain, organisation: partner.organisation, usage, at })
  return leaf
}

async function livePolicy(reads: PartnerReads, id: string, at: number): Promise<Policy> {
  const policy = await reads.policies.get(id)
  if (policy === undefined || policy.version === 0) throw refused(`there is no published policy ${id}`)
  if (policy.state !== 'active') throw refused(`policy ${id} is not active`)
  if (policy.validUntil !== null && policy.validUntil <= at) throw refused(`policy ${id} has ended`)
  const group = await reads.groups.get(policy.groupId)
  if (group?.active !== true) throw refused(`the group of policy ${id} is not active`)
  return policy
}

/** By the text itself: a policy is read much more often than written. */
const parsed = new Map<string, DataSharePolicy>()
const MAX_PARSED = 256

/** What was published was allowed then; whether it still is, is for whoever creates a share. */
function parsedBody({ body: text }: Policy): DataSharePolicy {
  const known = parsed.get(text)
  if (known !== undefined) return known
  const { body } = parsePolicy(SHARES, text, { unlimitedReads: true })
  if (parsed.size >= MAX_PARSED) parsed.delete(parsed.keys().next().value!)
  parsed.set(text, body)
  return body
}

export function refused(reason: string): KeyhavenError {
  return new KeyhavenError('POLICY_REFUSED', reason)
}
