import { type CryptoBackend, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { verifyEncryptionKey } from '../../partners/encryption-key.ts'
import { KEY_LIFETIME_DAYS_DEFAULT, KEY_LIFETIME_DAYS_MAX } from '../../partners/key-lifetime.ts'
import { factsOfType, PARTNER_TYPE_NAMES, type PartnerType } from '../../partners/partner-types.ts'
import type { Profile } from '../../profile.ts'
import { type PartnerCaller, requireManager, requireOwn } from './caller.ts'
import { checkedId, checkedText } from './checked-text.ts'
import { certificateOf } from './judge.ts'
import type { PartnerAnnouncer } from './partner-announcer.ts'
import type { ApiKey, Licence, Partner, Subscription } from './partner-records.ts'
import type { IdentityAuditEntry, PartnerStore, PartnerTransaction, WritableRecords } from './ports.ts'

const MAX_ORGANISATION_CHARS = 128
const MAX_CONTACT_CHARS = 256
const MAX_REASON_CHARS = 500
const MAX_LABEL_CHARS = 64
/** Of one partner, that work at the same time. */
const MAX_API_KEYS = 100
/** 256 random bits. */
const KEY_BYTES = 32
const MS_PER_DAY = 86_400_000

export interface PartnerToRegister {
  readonly id: string
  readonly type: PartnerType
  readonly organisation: string
  /** Needed by types that need a policy. */
  readonly groupId?: string
  readonly profile?: Profile
  readonly email?: string
  readonly contactNumber?: string
  readonly address?: string
}

/** A secret that is shown once: only its hash is kept. */
export interface IssuedKey<T> {
  readonly key: string
  readonly record: T
}

/**
 * Partners and what they may have. People of a partner's organisation see and change only its partners; what
 * a partner manager decides is `ACCESS_DENIED` to them. Every change is in the audit log, and every IDA hears
 * of it.
 */
export interface PartnerService {
  /** @throws KeyhavenError `CONFLICT` (id taken), `INPUT_INVALID`, `ACCESS_DENIED` (another organisation). */
  register(partner: PartnerToRegister, caller: PartnerCaller): Promise<Partner>
  /** By a manager. An inactive partner gets nothing, from its next request on. */
  setActive(id: string, active: boolean, reason: string, caller: PartnerCaller): Promise<Partner>
  /** @param url - https; empty: no events. @param secret - wrapped by whoever calls; null: without HMAC. */
  setWebhook(
    id: string,
    webhook: { readonly url: string; readonly secret: Uint8Array | null },
    caller: PartnerCaller,
  ): Promise<Partner>
  /**
   * Profile `keyhaven`: the key that data is sealed to, signed by the key of the partner's certificate.
   *
   * @param statement - JWS that `signEncryptionKey` made.
   */
  setEncryptionKey(id: string, statement: string, caller: PartnerCaller): Promise<Partner>
  /** @throws KeyhavenError `CONFLICT` if there is one that is not decided or not ended. */
  requestPolicy(
    request: { readonly partnerId: string; readonly policyId: string; readonly purpose: string },
    caller: PartnerCaller,
  ): Promise<Subscription>
  /** By a manager. Approval needs a certificate that is valid now. */
  decideSubscription(
    id: string,
    decision: { readonly approve: boolean; readonly reason: string },
    caller: PartnerCaller,
  ): Promise<Subscription>
  endSubscription(id: string, reason: string, caller: PartnerCaller): Promise<Subscription>
  /**
   * @throws KeyhavenError `POLICY_REFUSED` without an approved subscription; `CONFLICT` if the label is taken, or
   *   the partner has as many as may be.
   */
  issueApiKey(
    key: {
      readonly partnerId: string
      readonly policyId: string
      readonly label: string
      readonly days?: number
    },
    caller: PartnerCaller,
  ): Promise<IssuedKey<ApiKey>>
  revokeApiKey(id: string, reason: string, caller: PartnerCaller): Promise<ApiKey>
  /** By a manager, to a MISP. */
  issueLicence(
    licence: { readonly partnerId: string; readonly days?: number },
    caller: PartnerCaller,
  ): Promise<IssuedKey<Licence>>
  revokeLicence(id: string, reason: string, caller: PartnerCaller): Promise<Licence>
}

export interface PartnerServiceParts {
  readonly backend: CryptoBackend
  readonly store: PartnerStore
  readonly announcer: PartnerAnnouncer
  /** Of partners that name none. */
  readonly profile: Profile
  readonly randomUuid: () => string
  /** @throws KeyhavenError `INPUT_INVALID` for an address that events never go to. */
  readonly checkWebhook: (url: string) => void
  /** Sends what was kept while the partner had no webhook. @param outer - the server's transaction. */
  readonly resumeEvents: (outer: unknown, partnerId: string) => Promise<void>
  /** A partner has become active, or has a policy more. @param outer - the server's transaction. */
  readonly mayHaveMore: (outer: unknown, partner: Partner, actor: string) => Promise<void>
}

export function createPartnerService(parts: PartnerServiceParts): PartnerService {
  const { backend, store, announcer, randomUuid } = parts

  /** Changes one partner that the caller may change, and tells of it. */
  const changePartner = (
    id: string,
    caller: PartnerCaller,
    entry: Pick<IdentityAuditEntry, 'action' | 'detail'>,
    work: (tx: PartnerTransaction, partner: Partner) => Promise<Partial<Partner>> | Partial<Partner>,
  ): Promise<Partner> =>
    store.transaction(async (tx) => {
      const partner = requireOwn(caller, await tx.partners.get(id), id)
      const changed = { ...partner, ...(await work(tx, partner)), changedAt: tx.now }
      await tx.partners.put(changed)
      tx.audit({ actor: caller.actor, subject: id, ...entry })
      await announcer.partnerChanged(tx, changed)
      return changed
    })

  const decide = (
    id: string,
    from: Subscription['state'],
    to: Subscription['state'],
    reason: string,
    caller: PartnerCaller,
  ): Promise<Subscription> =>
    store.transaction(async (tx) => {
      const found = await tx.subscriptions.get(id)
      if (found === undefined) throw new KeyhavenError('NOT_FOUND', `there is no subscription ${id}`)
      const partner = requireOwn(caller, await tx.partners.get(found.partnerId), found.partnerId)
      if (found.state !== from) throw new KeyhavenError('CONFLICT', `the subscription is ${found.state}`)
      if (to === 'approved') await certificateOf(tx, partner, 'sign', tx.now)
      const decided: Subscription = {
        ...{ ...found, state: to, reason: checkedText('reason', reason, MAX_REASON_CHARS) },
        ...{ decidedAt: tx.now, decidedBy: caller.actor },
      }
      await tx.subscriptions.put(decided)
      if (to === 'approved') await parts.mayHaveMore(tx.outer, partner, caller.actor)
      const detail = { subscription: id, policy: found.policyId, state: to }
      tx.audit({ actor: caller.actor, action: 'partner.subscription', subject: found.partnerId, detail })
      await announcer.partnerChanged(tx, partner)
      return decided
    })

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
    register: (input, caller) =>
      store.transaction(async (tx) => {
        const partner = newPartner(input, parts.profile, tx.now, caller)
        if (caller.organisation !== undefined && caller.organisation !== partner.organisation) {
          throw new KeyhavenError('ACCESS_DENIED', 'organisation: it is not the one that you signed in for')
        }
        if ((await tx.partners.get(partner.id)) !== undefined) {
          throw new KeyhavenError('CONFLICT', `there is a partner ${partner.id} already`)
        }
        if (partner.groupId !== '' && (await tx.groups.get(partner.groupId)) === undefined) {
          throw new KeyhavenError('NOT_FOUND', `there is no policy group ${partner.groupId}`)
        }
        await tx.partners.put(partner)
        const detail = { type: partner.type, organisation: partner.organisation, profile: partner.profile }
        tx.audit({ actor: caller.actor, action: 'partner.register', subject: partner.id, detail })
        return partner
      }),

    async setActive(id, active, reason, caller) {
      requireManager(caller)
      const state = active ? 'active' : 'inactive'
      const why = checkedText('reason', reason, MAX_REASON_CHARS)
      const entry = { action: 'partner.state', detail: { state, reason: why } }
      return changePartner(id, caller, entry, async (tx, partner) => {
        if (active) await parts.mayHaveMore(tx.outer, partner, caller.actor)
        return { state }
      })
    },

    async setWebhook(id, { url, secret }, caller) {
      if (url !== '') parts.checkWebhook(url)
      const detail = { host: url === '' ? '' : new URL(url).host, hmac: secret !== null }
      return store.transaction(async (tx) => {
        const partner = requireOwn(caller, await tx.partners.get(id), id)
        const changed = { ...partner, webhookUrl: url, webhookSecret: secret, changedAt: tx.now }
        await tx.partners.put(changed)
        tx.audit({ actor: caller.actor, action: 'partner.webhook', subject: id, detail })
        if (url !== '') await parts.resumeEvents(tx.outer, id)
        return changed
      })
    },

    setEncryptionKey: (id, statement, caller) =>
      changePartner(id, caller, { action: 'partner.encryption-key' }, async (tx, partner) => {
        const certificate = await certificateOf(tx, partner, 'sign', tx.now)
        return { encryptionKey: await verifyEncryptionKey(backend, statement, id, certificate) }
      }),

    requestPolicy: ({ partnerId, policyId, purpose }, caller) =>
      store.transaction(async (tx) => {
        const partner = requireOwn(caller, await tx.partners.get(partnerId), partnerId)
        const policy = await tx.policies.get(policyId)
        if (policy === undefined || policy.version === 0 || policy.groupId !== partner.groupId) {
          throw new KeyhavenError(
            'NOT_FOUND',
            `there is no published policy ${policyId} in the partner’s policy group`,
          )
        }
        if (factsOfType(partner.type).policy !== policy.type) {
          throw new KeyhavenError(
            'INPUT_INVALID',
            `policyId: a partner of type ${partner.type} asks for no such policy`,
          )
        }
        const same = await tx.subscriptions.list({ partnerId, policyId })
        if (same.some(({ state }) => state === 'requested' || state === 'approved')) {
          throw new KeyhavenError(
            'CONFLICT',
            'there is such a subscription already, or one that is not decided',
          )
        }
        const made: Subscription = {
          ...{ id: randomUuid(), partnerId, policyId, state: 'requested', reason: '' },
          purpose: checkedText('purpose', purpose, MAX_REASON_CHARS),
          ...{ requestedAt: tx.now, requestedBy: caller.actor, decidedAt: null, decidedBy: '' },
        }
        await tx.subscriptions.put(made)
        const detail = { subscription: made.id, policy: policyId, state: made.state }
        tx.audit({ actor: caller.actor, action: 'partner.subscription', subject: partnerId, detail })
        return made
      }),

    async decideSubscription(id, { approve, reason }, caller) {
      requireManager(caller)
      return decide(id, 'requested', approve ? 'approved' : 'refused', reason, caller)
    },

    endSubscription: (id, reason, caller) => decide(id, 'approved', 'ended', reason, caller),

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

function newPartner(input: PartnerToRegister, profile: Profile, now: number, caller: PartnerCaller): Partner {
  if (!PARTNER_TYPE_NAMES.includes(input.type)) {
    throw new KeyhavenError('INPUT_INVALID', `type: one of ${PARTNER_TYPE_NAMES.join(', ')}`)
  }
  const needsGroup = factsOfType(input.type).policy !== undefined
  if (needsGroup !== ((input.groupId ?? '') !== '')) {
    throw new KeyhavenError(
      'INPUT_INVALID',
      `groupId: a partner of type ${input.type} ${needsGroup ? 'needs one' : 'has none'}`,
    )
  }
  return {
    id: checkedId('id', input.id),
    type: input.type,
    organisation: checkedText('organisation', input.organisation, MAX_ORGANISATION_CHARS),
    groupId: input.groupId ?? '',
    profile: input.profile ?? profile,
    email: checkedText('email', input.email ?? '', MAX_CONTACT_CHARS, 0),
    contactNumber: checkedText('contactNumber', input.contactNumber ?? '', MAX_CONTACT_CHARS, 0),
    address: checkedText('address', input.address ?? '', MAX_CONTACT_CHARS, 0),
    ...{ state: 'requested', webhookUrl: '', webhookSecret: null, encryptionKey: null },
    ...{ createdAt: now, createdBy: caller.actor, changedAt: now },
  }
}
