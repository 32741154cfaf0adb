import { type CryptoBackend, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { KEY_LIFETIME_DAYS_DEFAULT, KEY_LIFETIME_DAYS_MAX } from '../../partners/key-lifetime.ts'
import { type PartnerCaller, requireManager, requireOwn } from './caller.ts'
import { checkedText, MAX_REASON_CHARS } from './checked-text.ts'
import type { ApiKey, Licence } from './partner-records.ts'
import type { PartnerService, PartnerServiceParts } from './partner-service.ts'
import type { WritableRecords } from './ports.ts'

const MAX_LABEL_CHARS = 64
/** Of one partner, that work at the same time. */
const MAX_API_KEYS = 100
/** 256 random bits. */
const KEY_BYTES = 32
const MS_PER_DAY = 86_400_000

/** API keys of relying parties, and licence keys of those who stand between them and an IDA. */
export function createPartnerKeys({
  backend,
  store,
  announcer,
  randomUuid,
}: PartnerServiceParts): Pick<
  PartnerService,
  'issueApiKey' | 'revokeApiKey' | 'issueLicence' | 'revokeLicence'
> {
  const newKey = async (days: number) => {
    if (!Number.isInteger(days) || days < 1 || days > KEY_LIFETIME_DAYS_MAX) {
      throw new KeyhavenError('INPUT_INVALID', `days: 1 to ${KEY_LIFETIME_DAYS_MAX}`)
    }
    const key = toBase64url(backend.randomBytes(KEY_BYTES))
    return { key, keyHash: await hashPartnerKey(backend, key) }
  }

  const revokeKey = <T extends ApiKey | Licence>(
    { table, action }: { readonly table: 'apiKeys' | 'licences'; readonly action: string },
    id: string,
    reason: string,
    caller: PartnerCaller,
  ): Promise<T> =>
    store.transaction(async (tx) => {
      const records = tx[table] as unknown as WritableRecords<T>
      const found = await records.get(id)
      if (found === undefined) throw new KeyhavenError('NOT_FOUND', `there is no such key ${id}`)
      const partner = requireOwn(caller, await tx.partners.get(found.partnerId), found.partnerId)
      const revoked = { ...found, state: 'revoked' as const }
      await records.put(revoked)
      const detail = { key: id, reason: checkedText('reason', reason, MAX_REASON_CHARS) }
      tx.audit({ actor: caller.actor, action, subject: found.partnerId, detail })
      await announcer.partnerChanged(tx, partner)
      return revoked
    })

  return {
    async issueApiKey({ partnerId, policyId, label, days = KEY_LIFETIME_DAYS_DEFAULT }, caller) {
      const { key, keyHash } = await newKey(days)
      const record = await store.transaction(async (tx) => {
        const partner = requireOwn(caller, await tx.partners.get(partnerId), partnerId)
        const [approved] = await tx.subscriptions.list(
          { partnerId, policyId, state: 'approved' },
          { limit: 1 },
        )
        if (partner.state !== 'active') {
          throw new KeyhavenError('POLICY_REFUSED', `partner ${partnerId} is not active`)
        }
        if (approved === undefined) {
          throw new KeyhavenError(
            'POLICY_REFUSED',
            `partner ${partnerId} has no approved subscription to ${policyId}`,
          )
        }
        const present = await tx.apiKeys.list({ partnerId, state: 'active' })
        if (present.filter(({ expiresAt }) => expiresAt > tx.now).length >= MAX_API_KEYS) {
          throw new KeyhavenError('CONFLICT', `a partner has at most ${MAX_API_KEYS} API keys: revoke one`)
        }
        const name = checkedText('label', label, MAX_LABEL_CHARS)
        const sameLabel = await tx.apiKeys.list({ partnerId, policyId, label: name, state: 'active' })
        if (sameLabel.length > 0)
          throw new KeyhavenError('CONFLICT', `label: there is an API key "${name}" already`)
        const made: ApiKey = {
          ...{ id: randomUuid(), partnerId, policyId, label: name, keyHash, state: 'active' },
          ...{ createdAt: tx.now, expiresAt: tx.now + days * MS_PER_DAY, createdBy: caller.actor },
        }
        await tx.apiKeys.put(made)
        const detail = { key: made.id, policy: policyId, label: name, days }
        tx.audit({ actor: caller.actor, action: 'partner.api-key.issue', subject: partnerId, detail })
        await announcer.partnerChanged(tx, partner)
        return made
      })
      return { key, record }
    },

    revokeApiKey: (id, reason, caller) =>
      revokeKey({ table: 'apiKeys', action: 'partner.api-key.revoke' }, id, reason, caller),

    async issueLicence({ partnerId, days = KEY_LIFETIME_DAYS_DEFAULT }, caller) {
      requireManager(caller)
      const { key, keyHash } = await newKey(days)
      const record = await store.transaction(async (tx) => {
        const partner = requireOwn(caller, await tx.partners.get(partnerId), partnerId)
        if (partner.type !== 'MISP_Partner' || partner.state !== 'active') {
          throw new KeyhavenError('POLICY_REFUSED', `partner ${partnerId} is no active MISP`)
        }
        const made: Licence = {
          ...{ id: randomUuid(), partnerId, keyHash, state: 'active' },
          ...{ createdAt: tx.now, expiresAt: tx.now + days * MS_PER_DAY, createdBy: caller.actor },
        }
        await tx.licences.put(made)
        tx.audit({
          ...{ actor: caller.actor, action: 'partner.licence.issue', subject: partnerId },
          detail: { key: made.id, days },
        })
        await announcer.partnerChanged(tx, partner)
        return made
      })
      return { key, record }
    },

    async revokeLicence(id, reason, caller) {
      requireManager(caller)
      return revokeKey({ table: 'licences', action: 'partner.licence.revoke' }, id, reason, caller)
    },
  }
}

/** SHA-256 is enough for 256 random bits: there is nothing to guess. */
export async function hashPartnerKey(backend: CryptoBackend, key: string): Promise<Uint8Array> {
  return backend.sha256(new TextEncoder().encode(key))
}
