import { KeyhavenError } from '@keyhaven/crypto'
import { READ_PROOF_SECONDS, verifyRead } from '../../datashare/read-proof.ts'
import { certificateOf, judge } from '../partners/judge.ts'
import type { Datashare, ShareToRead } from './datashare.ts'
import { type DatashareParts, objectName } from './datashare-parts.ts'
import type { ShareTransaction } from './ports.ts'
import type { Share } from './share-records.ts'

/** Parts that the same caller asks for within this time belong to one read. */
export const READ_COUNTS_ONCE_MS = 300_000
const MS_PER_SECOND = 1_000
/** At the end of an address: policy, subscriber and key. */
const ADDRESS_PARTS = 3

export function createShareReads(
  parts: Pick<DatashareParts, 'backend' | 'applicationId' | 'store' | 'clock'>,
): Pick<Datashare, 'read' | 'isReadable'> {
  const { backend, store } = parts

  /** Who reads: the partner by its signature, or somebody who signed in and may read for it. */
  const identify = async (input: ShareToRead, share: Share) => {
    const { reader } = input
    if (reader.proof === undefined) {
      if (share.profile === 'keyhaven') {
        throw new KeyhavenError('UNAUTHENTICATED', 'this share is read with a proof that the partner signed')
      }
      const partner = await store.partnerReads.partners.get(share.subscriberId)
      if (reader.organisation !== undefined && reader.organisation !== partner?.organisation) {
        throw new KeyhavenError('ACCESS_DENIED', 'this share is for another partner')
      }
      return { actor: reader.actor, proof: undefined }
    }
    const partner = await store.partnerReads.partners.get(share.subscriberId)
    if (partner === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no such share')
    const now = parts.clock()
    const certificate = await certificateOf(store.partnerReads, partner, 'sign', now)
    const expected = { url: reader.proof.url, partnerId: partner.id, certificate, now }
    return { actor: `partner:${partner.id}`, proof: await verifyRead(backend, reader.proof.header, expected) }
  }

  /** All that must hold, with the transaction that counts. */
  const allow = async (
    tx: ShareTransaction,
    share: Share,
    input: ShareToRead,
    { actor, proof }: Awaited<ReturnType<typeof identify>>,
  ): Promise<'begun' | 'resumed'> => {
    const { now } = tx.partners
    if (proof !== undefined) {
      const until = proof.issuedAt + 2 * READ_PROOF_SECONDS * MS_PER_SECOND
      if (!(await tx.useNonce(proof.partnerId, proof.nonce, until))) {
        throw new KeyhavenError('REPLAYED', 'this proof was used before')
      }
    }
    const { subscriberId: partnerId, policyId } = share
    await judge(tx.partners, { partnerId, policyId }, now)
    const began = input.resumes ? await tx.readBegan(share.id, actor) : undefined
    const resumed = began !== undefined && now >= began && now - began < READ_COUNTS_ONCE_MS
    if (!(await tx.take(share, !resumed))) {
      throw new KeyhavenError(
        'SHARE_SPENT',
        'the share has expired, is used up, or was made under what has changed since',
      )
    }
    if (!resumed) await tx.noteRead(share.id, actor)
    return resumed ? 'resumed' : 'begun'
  }

  return {
    async isReadable(url) {
      const [policyId = '', subscriberId = '', shareKey = ''] = new URL(url).pathname
        .split('/')
        .slice(-ADDRESS_PARTS)
        .map(decodeURIComponent)
      const share = await store.find({ policyId, subscriberId, shareKey })
      return share !== undefined && store.isReadable(share, parts.clock())
    },

    async read(input) {
      const { policyId, subscriberId, key, reader } = input
      const share = await store.find({ policyId, subscriberId, shareKey: key })
      let actor = reader.actor
      const refusal = (error: KeyhavenError) => ({
        ...{ actor, action: 'share.refuse', subject: share?.id ?? subscriberId },
        detail: {
          partner: subscriberId,
          policy: policyId,
          for: 'share.read',
          code: error.code,
          reason: error.message,
        },
      })
      try {
        if (share === undefined || share.state === 'deleted') {
          throw new KeyhavenError(share === undefined ? 'NOT_FOUND' : 'SHARE_SPENT', 'there is no such share')
        }
        const who = await identify(input, share)
        actor = who.actor
        const refused = await store.transaction(async (tx) => {
          try {
            const how = await allow(tx, share, input, who)
            const detail = { partner: subscriberId, policy: policyId, how }
            tx.partners.audit({ actor, action: 'share.read', subject: share.id, detail })
            return undefined
          } catch (error) {
            if (!(error instanceof KeyhavenError) || error.code === 'STORE_UNAVAILABLE') throw error
            // The refusal is committed; that a nonce was used, too.
            tx.partners.audit(refusal(error))
            return error
          }
        })
        if (refused !== undefined) throw new AuditedRefusal(refused)
        return {
          object: objectName(parts.applicationId, share.id),
          bytes: share.bytes,
          signature: share.signature,
        }
      } catch (error) {
        if (error instanceof AuditedRefusal) throw error.refusal
        if (error instanceof KeyhavenError && error.code !== 'STORE_UNAVAILABLE') {
          await store.transaction(async (tx) => tx.partners.audit(refusal(error)))
        }
        throw error
      }
    },
  }
}

/** A refusal that is in the audit log already. */
class AuditedRefusal extends Error {
  readonly refusal: KeyhavenError

  constructor(refusal: KeyhavenError) {
    super(refusal.message)
    this.refusal = refusal
  }
}
