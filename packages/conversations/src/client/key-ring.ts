import { fromBase64url } from '@keyhaven/crypto'
import type { MembershipHead } from '../key/announcement.ts'
import { type KeyObject, readKeyObject } from '../key/key-object.ts'
import { requireId } from '../membership/ids.ts'
import type { Mode } from '../membership/rules.ts'
import type { ConversationKey } from '../message/packet.ts'
import type { BatchCommitment } from '../receipt/commitment.ts'
import type { ClientContext } from './client-context.ts'
import { ConversationError, hasCode, invalidRecord } from './conversation-error.ts'
import type { KeyLeftOut } from './conversations.ts'
import { KeyAsks } from './key-asks.ts'
import { KeyFetches } from './key-fetches.ts'
import { modeAt } from './membership-memory.ts'
import type { Memberships } from './memberships.ts'
import { openSealedKey } from './open-sealed-key.ts'

/** Keys that are held in memory, those used last; the store has them all. */
const MAX_HELD = 1_000
/** Own releases that wait until the list of receipts is read, the last ones. */
const MAX_RELEASED = 4_096

/** A verified key, as it lies in the store, sealed. */
export interface KeyRecord {
  readonly v: 1
  readonly id: string
  readonly conversation: string
  readonly algorithm: 'A256GCM'
  readonly mode: Mode
  readonly membership: MembershipHead
  /** Seconds since the epoch: as its maker signed it; of a managed key, as the server said. */
  readonly madeAt: number
  /** 32 bytes, base64url. */
  readonly key: string
  /** Who could not be given it by its maker, where this device is the maker. */
  readonly leftOut: readonly KeyLeftOut[]
  /** Device that made it; none of a managed key. */
  readonly by?: string
}

export interface HeldKey {
  readonly record: KeyRecord
  readonly key: ConversationKey
}

/** Keys of conversations: fetched once, verified, and kept in the store from then on. */
export class KeyRing {
  readonly #context: ClientContext
  readonly #memberships: Memberships
  readonly #fetches: KeyFetches
  readonly #asks: KeyAsks
  readonly #held = new Map<string, HeldKey>()
  readonly #fetching = new Map<string, Promise<HeldKey>>()
  /** Of each conversation, the newest that this client has met. */
  readonly #newest = new Map<string, KeyRecord>()

  constructor(context: ClientContext, memberships: Memberships) {
    this.#context = context
    this.#memberships = memberships
    this.#fetches = new KeyFetches(context.api)
    this.#asks = new KeyAsks(context)
  }

  /** Without any call. */
  async held(id: string): Promise<HeldKey | undefined> {
    const held = this.#held.get(id)
    if (held) return held
    const stored = await this.#context.memory.read<KeyRecord>('key', id)
    return stored && this.#hold(stored.value)
  }

  /**
   * The newest key of a conversation that this client has met: a server may show an older one as the current.
   */
  newest(conversation: string): KeyRecord | undefined {
    return this.#newest.get(conversation)
  }

  /**
   * @throws KeyhavenError `KEY_PENDING`: it was asked for; `NOT_FOUND`, `ACCESS_DENIED`; what is wrong with
   * it ({@link accept}).
   */
  async get(id: string): Promise<HeldKey> {
    requireId(id, 'key id')
    const held = await this.held(id)
    if (held) return held
    let fetching = this.#fetching.get(id)
    if (!fetching) {
      fetching = this.#fetch(id).finally(() => this.#fetching.delete(id))
      this.#fetching.set(id, fetching)
    }
    return fetching
  }

  /**
   * Verifies a key object and keeps the key.
   *
   * @throws KeyhavenError `RECORD_INVALID` on another key, or one of another mode than the members have
   * signed; `MEMBERSHIP_FORKED`; `PROOF_INVALID` without a receipt; sealed: `CLOCK_SKEW`, `ACCESS_DENIED` if
   * its maker might not make it, `PROOF_INVALID` if this device is not among those it was made for,
   * `SIGNATURE_INVALID`, `OPEN_FAILED`; `SUITE_REFUSED`, `WIRE_MALFORMED`.
   */
  async accept(value: unknown, id: string): Promise<HeldKey> {
    const object = readKeyObject(value)
    if (object.id !== id) throw invalidRecord('the server gave another key than was asked for')
    if (!object.receipt) {
      throw new ConversationError('PROOF_INVALID', 'the server gave a key without a receipt')
    }
    const known = await this.#memberships.reach(object.conversation, object.membership)
    const { state } = known
    if (modeAt(known, object.membership.sequence) !== object.mode) {
      throw invalidRecord(`the server gave a ${object.mode} key, which the members have not agreed to`)
    }
    if (object.algorithm !== state.algorithm) {
      throw new ConversationError(
        'SUITE_REFUSED',
        'the key is for another algorithm than the conversation has',
      )
    }
    const { key, ...made } =
      object.mode === 'managed'
        ? { key: object.key, madeAt: object.createdAt }
        : await openSealedKey(this.#context, state, object, this.#asks)
    const { conversation, algorithm, mode, membership } = object
    const record: KeyRecord = {
      v: 1,
      id,
      conversation,
      algorithm,
      mode,
      membership,
      ...made,
      key,
      leftOut: [],
    }
    await this.#noteRelease(object)
    return this.keep(record)
  }

  /** Keeps a key that was verified, or made here. What was kept first stays. */
  async keep(record: KeyRecord): Promise<HeldKey> {
    const kept = await this.#context.memory.update<KeyRecord>('key', record.id, (before) => before ?? record)
    if (kept.key !== record.key) throw invalidRecord('the server gave another key than before')
    return this.#hold(kept)
  }

  async #fetch(id: string): Promise<HeldKey> {
    let value: unknown
    try {
      value = await this.#fetches.get(id)
    } catch (error) {
      if (!hasCode(error, 'KEY_PENDING')) throw error
      await this.#asks.ask(id)
      throw new ConversationError('KEY_PENDING', 'no device has handed this key on yet', { cause: error })
    }
    return this.accept(value, id)
  }

  /** The server has committed to a receipt of this release: the list of receipts must have it. */
  async #noteRelease({ conversation, receipt }: KeyObject): Promise<void> {
    if (!receipt) return
    const { opening } = receipt
    await this.#context.memory.update<readonly BatchCommitment['opening'][]>(
      'released',
      conversation,
      (before) => (before?.includes(opening) ? before : [...(before ?? []), opening].slice(-MAX_RELEASED)),
    )
  }

  #hold(record: KeyRecord): HeldKey {
    const { id, conversation, algorithm } = record
    const { application } = this.#context
    const key = { application, conversation, key: id, algorithm, bytes: fromBase64url(record.key) }
    const held = this.#held.get(id) ?? { record, key }
    const newest = this.#newest.get(conversation)
    if (newest === undefined || newest.madeAt < record.madeAt) this.#newest.set(conversation, record)
    this.#held.delete(id)
    this.#held.set(id, held)
    if (this.#held.size > MAX_HELD) this.#held.delete(this.#held.keys().next().value!)
    return held
  }
}
