import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import { drawVid } from '../../repository/draw-identifier.ts'
import { VID_POLICIES, type VidType } from '../../repository/vid-policy.ts'
import type { RecordSealer, RepositoryStore, StoredRecord, StoredVid } from './ports.ts'

const MS_PER_MINUTE = 60_000
const MAX_DRAWS = 100
const VID = /^\d{16}$/

export interface VidSummary {
  readonly type: VidType
  readonly status: 'ACTIVE' | 'REVOKED' | 'EXPIRED'
  readonly createdAt: number
  /** Milliseconds; null: never. */
  readonly expiresAt: number | null
  /** Authentications at each IDA, which counts them; null: no limit. */
  readonly transactionLimit: number | null
}

/** A number under which IDAs know a person. */
export interface PersonNumber {
  readonly id: string
  readonly idType: 'UIN' | 'VID'
  /** What names it without saying it: the same for ever. */
  readonly tag: string
  /** Milliseconds; null: never. */
  readonly expiresAt: number | null
  readonly transactionLimit: number | null
}

export interface Vids {
  /**
   * A further number that stands for a UIN.
   *
   * @throws KeyhavenError `NOT_FOUND`; `CONFLICT` if the person has as many of the type as may be.
   */
  createVid(uin: string, type: VidType, actor: string): Promise<VidSummary & { readonly vid: string }>
  /** Those of a person that are neither revoked nor expired, with their numbers; audited. */
  vids(uin: string, actor: string): Promise<readonly (VidSummary & { readonly vid: string })[]>
  /** For ever. @throws KeyhavenError `NOT_FOUND` */
  revokeVid(vid: string, actor: string): Promise<VidSummary>
}

interface VidService extends Vids {
  /** Neither revoked nor expired. */
  activeVids(record: string): Promise<readonly PersonNumber[]>
}

export interface VidParts {
  readonly backend: CryptoBackend
  readonly store: RepositoryStore
  readonly sealer: RecordSealer
  readonly clock: () => number
}

/** @param find - the record of a UIN. */
export function createVids(
  { backend, store, sealer, clock }: VidParts,
  find: (uin: string) => Promise<StoredRecord>,
): VidService {
  const open = async (vid: StoredVid) => ({
    ...summaryOf(vid, clock()),
    vid: await sealer.openId(vid.record, placeOf(vid.tag), vid.vid),
  })

  return {
    async activeVids(record) {
      const active = (await store.vids(record)).filter((vid) => summaryOf(vid, clock()).status === 'ACTIVE')
      return Promise.all(
        active.map(async ({ tag, vid, expiresAt, transactionLimit }) => ({
          ...{ id: await sealer.openId(record, placeOf(tag), vid), idType: 'VID' as const },
          ...{ tag, expiresAt, transactionLimit },
        })),
      )
    },

    async createVid(uin, type, actor) {
      const { record } = await find(uin)
      const policy = VID_POLICIES[type]
      for (let draws = 0; draws < MAX_DRAWS; draws++) {
        const vid = drawVid(backend)
        const tag = await sealer.tag(vid)
        const sealed = await sealer.sealId(record, placeOf(tag), vid)
        const made = await store.transaction(async (transaction) => {
          const { now } = transaction
          const person = await transaction.lock(record)
          if (person?.status !== 'ACTIVATED')
            throw new KeyhavenError('ACCESS_DENIED', 'the identity is not active')
          const present = (await transaction.vids(record)).filter(
            (one) => one.type === type && summaryOf(one, now).status === 'ACTIVE',
          )
          if (present.length >= policy.instancesAllowed) {
            throw new KeyhavenError(
              'CONFLICT',
              `this person has as many VIDs of type ${type} as may be: revoke one`,
            )
          }
          const minutes = policy.validForInMinutes
          const row: StoredVid = {
            ...{ tag, record, type, vid: sealed, status: 'ACTIVE', createdAt: now },
            expiresAt: minutes === null ? null : now + minutes * MS_PER_MINUTE,
            transactionLimit: policy.transactionsAllowed,
          }
          if (!(await transaction.insertVid(row))) return undefined
          transaction.audit({ action: 'identity.vid.create', actor, subject: record, detail: { type } })
          await transaction.changed({ kind: 'vid-created', record, vidTag: tag })
          return { ...summaryOf(row, now), vid }
        })
        if (made !== undefined) return made
      }
      throw new KeyhavenError('STORE_UNAVAILABLE', 'no free number was found')
    },

    async vids(uin, actor) {
      const { record } = await find(uin)
      await store.transaction(async (transaction) => {
        transaction.audit({ action: 'identity.vid.read', actor, subject: record })
      })
      const active = (await store.vids(record)).filter((vid) => summaryOf(vid, clock()).status === 'ACTIVE')
      return Promise.all(active.map(open))
    },

    async revokeVid(vid, actor) {
      if (!VID.test(vid)) throw unknownVid()
      const tag = await sealer.tag(vid)
      const found = await store.findVid(tag)
      if (found === undefined) throw unknownVid()
      const { record } = found
      return store.transaction(async (transaction) => {
        await transaction.lock(record)
        const present = (await transaction.findVid(tag))!
        const revoked: StoredVid = { ...present, status: 'REVOKED' }
        if (present.status === 'REVOKED') return summaryOf(present, transaction.now)
        await transaction.saveVid(revoked)
        transaction.audit({
          action: 'identity.vid.revoke',
          actor,
          subject: record,
          detail: { type: found.type },
        })
        await transaction.changed({ kind: 'vid-revoked', record, vidTag: tag })
        return summaryOf(revoked, transaction.now)
      })
    },
  }
}

function summaryOf(
  { type, status, createdAt, expiresAt, transactionLimit }: StoredVid,
  now: number,
): VidSummary {
  const expired = status === 'ACTIVE' && expiresAt !== null && expiresAt <= now
  return { type, status: expired ? 'EXPIRED' : status, createdAt, expiresAt, transactionLimit }
}

function placeOf(tag: string): string {
  return `vid/${tag}`
}

function unknownVid(): KeyhavenError {
  return new KeyhavenError('NOT_FOUND', 'there is no such VID')
}
