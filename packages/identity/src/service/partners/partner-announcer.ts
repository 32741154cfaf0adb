import { toBase64url, toHex } from '@keyhaven/crypto'
import {
  type AuthoritiesUpdate,
  CA_CERTIFICATE_UPLOADED,
  PARTNER_UPDATED,
  type PartnerUpdate,
  type PolicyUpdate,
} from '../../authentication/partner-update.ts'
import type { PartnerType } from '../../partners/partner-types.ts'
import { parsePolicy } from '../../policy/parse-policy.ts'
import type { EventPublisher } from '../events/event-publisher.ts'
import type { ApiKey, Licence, Partner, PartnerCertificate } from './partner-records.ts'
import type { PartnerTransaction } from './ports.ts'

const PUBLISHER = 'PARTNER_MANAGEMENT'
/**
 * Revoked and expired keys that are told of, the newest: for their own refusal. A partner can make and revoke as
 * many as it likes, and what does not fit into an event could not be told any more, not even its own end.
 */
const ENDED_KEYS_TOLD = 100
/** Those whom an IDA must know. */
const ANNOUNCED: readonly PartnerType[] = ['Auth_Partner', 'MISP_Partner', 'Device_Provider', 'FTM_Provider']

/** Tells every IDA of what changed, in the transaction that changes it: each time whole. */
export interface PartnerAnnouncer {
  partnerChanged(tx: PartnerTransaction, partner: Partner): Promise<void>
  /** Everybody who may use the policy changes with it. */
  policyChanged(tx: PartnerTransaction, policyId: string): Promise<void>
  authoritiesChanged(tx: PartnerTransaction): Promise<void>
}

/** @param randomUuid - of the event. */
export function createPartnerAnnouncer<Tx>(
  events: EventPublisher<Tx>,
  randomUuid: () => string,
): PartnerAnnouncer {
  const publish = async (
    tx: PartnerTransaction,
    to: readonly Partner[],
    topic: string,
    data: (sequence: number) => object,
  ): Promise<void> => {
    for (const { id } of to) {
      await events.publish(tx.outer as Tx, {
        ...{ partnerId: id, topic, publisher: PUBLISHER },
        event: (sequence) => ({
          ...{ id: randomUuid(), timestamp: new Date(tx.now).toISOString() },
          data: data(sequence) as Record<string, unknown>,
        }),
      })
    }
  }
  const verifiers = (tx: PartnerTransaction): Promise<Partner[]> =>
    tx.partners.list({ type: 'Online_Verification_Partner', state: 'active' })

  const tellOfPartner = async (
    tx: PartnerTransaction,
    to: readonly Partner[],
    partner: Partner,
  ): Promise<void> => {
    if (to.length === 0 || !ANNOUNCED.includes(partner.type)) return
    const update = await partnerUpdate(tx, partner)
    await publish(tx, to, PARTNER_UPDATED, (sequence): PartnerUpdate => ({ sequence, ...update }))
  }

  const tellOfAuthorities = async (tx: PartnerTransaction, to: readonly Partner[]): Promise<void> => {
    if (to.length === 0) return
    const authorities = await tx.authorities.list({})
    const revoked = await tx.certificates.list({ state: 'revoked' })
    await publish(
      tx,
      to,
      CA_CERTIFICATE_UPLOADED,
      (sequence): AuthoritiesUpdate => ({
        sequence,
        authorities: authorities.map(({ domain, certificate, state }) => ({
          ...{ domain, der: toBase64url(certificate), active: state === 'active' },
        })),
        // One that has ended is refused for its date.
        revoked: revoked.filter(({ validUntil }) => validUntil > tx.now).map(({ id }) => id),
      }),
    )
  }

  return {
    async partnerChanged(tx, partner) {
      if (partner.type === 'Online_Verification_Partner' && partner.state === 'active') {
        await tellOfAuthorities(tx, [partner])
        for (const other of await tx.partners.list({})) await tellOfPartner(tx, [partner], other)
      } else await tellOfPartner(tx, await verifiers(tx), partner)
    },

    async policyChanged(tx, policyId) {
      const to = await verifiers(tx)
      for (const { partnerId } of await tx.subscriptions.list({ policyId, state: 'approved' })) {
        const partner = await tx.partners.get(partnerId)
        if (partner !== undefined) await tellOfPartner(tx, to, partner)
      }
    },

    authoritiesChanged: async (tx) => tellOfAuthorities(tx, await verifiers(tx)),
  }
}

async function partnerUpdate(
  tx: PartnerTransaction,
  partner: Partner,
): Promise<Omit<PartnerUpdate, 'sequence'>> {
  const { id, type, organisation, profile, encryptionKey } = partner
  const [certificate] = await tx.certificates.list({ partnerId: id, state: 'active' }, { limit: 1 })
  const apiKeys = await tx.apiKeys.list({ partnerId: id })
  const licences = await tx.licences.list({ partnerId: id })
  return {
    partner: { id, type, organisation, profile, active: partner.state === 'active' },
    certificate: certificate === undefined ? null : await withChain(tx, certificate),
    encryptionKey: encryptionKey === null ? null : toBase64url(encryptionKey),
    policies: await policiesOf(tx, id),
    apiKeys: told(apiKeys, tx.now).map(({ keyHash, policyId, state, expiresAt }) => ({
      ...{ hash: toHex(keyHash), policyId, active: state === 'active', expiresAt },
    })),
    licences: told(licences, tx.now).map(({ keyHash, state, expiresAt }) => ({
      ...{ hash: toHex(keyHash), active: state === 'active', expiresAt },
    })),
  }
}

/** All that work, and the newest of the others. */
function told<T extends ApiKey | Licence>(keys: readonly T[], now: number): T[] {
  const works = ({ state, expiresAt }: T) => state === 'active' && expiresAt > now
  const ended = keys.filter((key) => !works(key)).sort((a, b) => b.createdAt - a.createdAt)
  return [...keys.filter(works), ...ended.slice(0, ENDED_KEYS_TOLD)]
}

async function withChain(tx: PartnerTransaction, { certificate, chain }: PartnerCertificate) {
  const above: string[] = []
  for (const id of JSON.parse(chain) as string[]) {
    const authority = await tx.authorities.get(id)
    if (authority !== undefined && !authority.root) above.push(toBase64url(authority.certificate))
  }
  return { der: toBase64url(certificate), chain: above }
}

async function policiesOf(tx: PartnerTransaction, partnerId: string): Promise<PolicyUpdate[]> {
  const found: PolicyUpdate[] = []
  for (const { policyId } of await tx.subscriptions.list({ partnerId, state: 'approved' })) {
    const policy = await tx.policies.get(policyId)
    if (policy === undefined || policy.state !== 'active') continue
    if ((await tx.groups.get(policy.groupId))?.active !== true) continue
    const { id, version, validUntil } = policy
    const parsed = parsePolicy(policy.type, policy.body, { unlimitedReads: true })
    if (parsed.type !== 'DataShare') found.push({ id, version, validUntil, ...parsed })
  }
  return found
}
