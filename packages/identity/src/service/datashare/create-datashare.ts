import { KeyhavenError, toBase64url, toHex, utf8 } from '@keyhaven/crypto'
import { sealShare } from '../../datashare/sealed-share.ts'
import { signShare } from '../../datashare/share-signature.ts'
import { sealLayoutC } from '../../mosip/hybrid.ts'
import { filterAttributes } from '../../policy/filter-attributes.ts'
import type { PolicyLimits } from '../../policy/parse-policy.ts'
import { type ShareRules, UNLIMITED_READS } from '../../policy/policy-document.ts'
import { judge, refused } from '../partners/judge.ts'
import type { PartnerDecision } from '../partners/partner-decisions.ts'
import type { IdentityAuditEntry } from '../partners/ports.ts'
import type { Datashare, ShareToCreate } from './datashare.ts'
import { type DatashareParts, objectName } from './datashare-parts.ts'
import { createShareReads } from './read-share.ts'
import type { Share } from './share-records.ts'
import { createShareUpkeep } from './tidy-shares.ts'

/** Of the data of one share: as the text of layout C it must fit into what an object store reads at once. */
export const MAX_SHARE_BYTES = 12_000_000
const MAX_FILENAME_CHARS = 128
const MS_PER_MINUTE = 60_000
/** Twice what MOSIP takes by default (`mosip.data.share.key.length`): the address is what names a share. */
const SHARE_KEY_RANDOM_BYTES = 16
const ID_BYTES = 16

export function createDatashare(parts: DatashareParts): Datashare {
  const { backend, store } = parts

  const create: Datashare['create'] = async (input) => {
    const filename = input.filename ?? 'data'
    if (input.data.length === 0) throw new KeyhavenError('INPUT_INVALID', 'there is no data to share')
    if (input.data.length > MAX_SHARE_BYTES) {
      throw new KeyhavenError('WIRE_TOO_LARGE', `a share has at most ${MAX_SHARE_BYTES} bytes`)
    }
    if (filename.length > MAX_FILENAME_CHARS) throw new KeyhavenError('INPUT_INVALID', 'filename: too long')
    const now = parts.clock()
    const question = { partnerId: input.subscriberId, policyId: input.policyId }
    const decision = await refusing(input, () => judge(store.partnerReads, question, now))
    const rules = await refusing(input, () => rulesOf(decision, parts.limits))
    const made = await protect(input, filename, decision, rules, now)
    const object = objectName(parts.applicationId, made.share.id)
    await parts.objects.put(object, made.bytes)
    try {
      const verdict = await store.transaction(async (tx) => {
        try {
          // Again, with what is written: a partner that was revoked since gets no share.
          const again = await judge(tx.partners, question, tx.partners.now)
          if (again.policy.version !== made.share.policyVersion || !sameKey(again, decision)) {
            throw refused('the policy or the certificate changed while the share was made')
          }
        } catch (error) {
          if (!(error instanceof KeyhavenError)) throw error
          auditRefusal(tx.partners, input, error)
          return error
        }
        await tx.insert(made.share)
        const { id, policyVersion, allowed, expiresAt, profile } = made.share
        tx.partners.audit({
          ...{ actor: input.actor, action: 'share.create', subject: id },
          detail: {
            partner: input.subscriberId,
            policy: input.policyId,
            policyVersion,
            allowed,
            expiresAt,
            profile,
          },
        })
        return undefined
      })
      if (verdict !== undefined) throw verdict
    } catch (error) {
      await parts.objects.delete(object).catch(() => {}) // else the tidying finds it
      throw error
    }
    const { policyId, subscriberId, shareKey } = made.share
    return {
      url: `${parts.url()}/get/${[policyId, subscriberId, shareKey].map(encodeURIComponent).join('/')}`,
      ...{ validForInMinutes: rules.validForInMinutes, transactionsAllowed: rules.transactionsAllowed },
      ...{ policyId, subscriberId },
    }
  }

  const protect = async (
    { data, actor }: ShareToCreate,
    filename: string,
    { partner, policy, certificate }: PartnerDecision,
    rules: ShareRules,
    now: number,
  ): Promise<{ share: Share; bytes: Uint8Array }> => {
    const random = toBase64url(backend.randomBytes(SHARE_KEY_RANDOM_BYTES))
    const shareKey = `${partner.id}${policy.id}${compactTime(now)}${random}`
    const expiresAt = now + rules.validForInMinutes * MS_PER_MINUTE
    const signer = await parts.signer()
    const share: Omit<Share, 'bytes' | 'signature' | 'certificateId'> = {
      ...{ id: toBase64url(backend.randomBytes(ID_BYTES)), shareKey, policyId: policy.id },
      ...{ policyVersion: policy.version, subscriberId: partner.id, profile: partner.profile, state: 'live' },
      ...{ allowed: rules.transactionsAllowed, remaining: rules.transactionsAllowed },
      ...{ createdAt: now, createdBy: actor, expiresAt },
    }
    const certificateId = toHex(certificate.thumbprint)
    if (partner.profile === 'keyhaven') {
      const facts = {
        ...{ applicationId: parts.applicationId, partnerId: partner.id, policyId: policy.id, key: shareKey },
        ...{ policyVersion: policy.version, filename, created: now, expires: expiresAt },
      }
      const bytes = await sealShare(backend, { signer, publicKey: partner.encryptionKey! }, facts, data)
      return { share: { ...share, certificateId, bytes: bytes.length, signature: '' }, bytes }
    }
    const signature = await signShare(
      signer,
      { filename, created: now, expires: expiresAt, keyId: partner.id },
      data,
    )
    const encrypted = rules.encryptionType === 'Partner Based'
    const bytes = encrypted ? utf8(toBase64url(await sealLayoutC(backend, certificate, data))) : data
    return { share: { ...share, certificateId, bytes: bytes.length, signature }, bytes }
  }

  /** A refusal is in the audit log before it is thrown. */
  const refusing = async <T>(input: ShareToCreate, work: () => Promise<T> | T): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof KeyhavenError)) throw error
      await store.transaction(async (tx) => auditRefusal(tx.partners, input, error))
      throw error
    }
  }

  return {
    create,
    filter: (policy, identity, biometrics) => filterAttributes(policy, identity, biometrics, parts.extract),
    ...createShareReads(parts),
    ...createShareUpkeep(parts),
  }
}

/** What a policy allows when a share is made: also a policy that was published when more was allowed. */
function rulesOf({ partner, policy }: PartnerDecision, { unlimitedReads }: PolicyLimits): ShareRules {
  const { dataSharePolicies: rules, shareableAttributes } = policy.body
  if (rules.transactionsAllowed === UNLIMITED_READS && !unlimitedReads) {
    throw refused('unlimited reads are not allowed here')
  }
  if (rules.encryptionType === 'none' && (shareableAttributes.length > 0 || partner.profile === 'keyhaven')) {
    throw refused('attributes of a person are never shared in the clear')
  }
  if (partner.profile === 'keyhaven' && partner.encryptionKey === null) {
    throw refused(`partner ${partner.id} has no encryption key that its certificate's key signed`)
  }
  return rules
}

function auditRefusal(
  tx: { audit(entry: IdentityAuditEntry): void },
  input: ShareToCreate,
  error: KeyhavenError,
): void {
  tx.audit({
    ...{ actor: input.actor, action: 'share.refuse', subject: input.subscriberId },
    detail: { policy: input.policyId, for: 'share.create', code: error.code, reason: error.message },
  })
}

function sameKey(one: PartnerDecision, other: PartnerDecision): boolean {
  const same = (a: Uint8Array | null, b: Uint8Array | null) =>
    toHex(a ?? new Uint8Array()) === toHex(b ?? new Uint8Array())
  return (
    same(one.certificate.thumbprint, other.certificate.thumbprint) &&
    same(one.partner.encryptionKey, other.partner.encryptionKey)
  )
}

/** `yyyyMMddHHmmss`, UTC. */
function compactTime(now: number): string {
  return new Date(now).toISOString().slice(0, 19).replace(/\D/g, '')
}
