import { KeyhavenError } from '@keyhaven/crypto'
import { verifyEncryptionKey } from '../../partners/encryption-key.ts'
import { factsOfType, PARTNER_TYPE_NAMES } from '../../partners/partner-types.ts'
import type { Profile } from '../../profile.ts'
import { type PartnerCaller, requireManager, requireOwn } from './caller.ts'
import { checkedId, checkedText, MAX_REASON_CHARS } from './checked-text.ts'
import { certificateOf } from './judge.ts'
import { createPartnerKeys } from './partner-keys.ts'
import type { Partner } from './partner-records.ts'
import type { PartnerService, PartnerServiceParts, PartnerToRegister } from './partner-service.ts'
import type { IdentityAuditEntry, PartnerTransaction } from './ports.ts'
import { createSubscriptions } from './subscriptions.ts'

const MAX_ORGANISATION_CHARS = 128
const MAX_CONTACT_CHARS = 256

export function createPartnerService(parts: PartnerServiceParts): PartnerService {
  const { backend, store, announcer } = parts

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

  return {
    ...createSubscriptions(parts),
    ...createPartnerKeys(parts),

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
  }
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
