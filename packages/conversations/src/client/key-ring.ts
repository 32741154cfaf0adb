import { fromBase64url, overwrite, toBase64url } from '@keyhaven/crypto'
import {
  type KeyAnnouncement,
  type MembershipHead,
  requireMaker,
  verifyKeyAnnouncement,
} from '../key/announcement.ts'
import { type KeyObject, readKeyObject, type SealedKeyObject } from '../key/key-object.ts'
import { verifyKeyShare } from '../key/key-share.ts'
import { verifyRecipient } from '../key/recipients.ts'
import { unwrapConversationKey } from '../key/wrapped-key.ts'
import { requireId } from '../membership/ids.ts'
import { AUTHOR_SKEW_SECONDS } from '../membership/limits.ts'
import type { Mode } from '../membership/rules.ts'
import type { ConversationKey } from '../message/packet.ts'
import type { BatchCommitment } from '../receipt/commitment.ts'
import type { ClientContext } from './client-context.ts'
import { ConversationError, hasCode, invalidRecord } from './conversation-error.ts'
import type { KeyLeftOut } from './conversations.ts'
import { KeyFetches } from './key-fetches.ts'
import { modeAt } from './membership-memory.ts'
import type { Memberships } from './memberships.ts'

const MS_PER_SECOND = 1_000
/** A key that nobody has shared yet is asked for again after this time. */
const ASK_AGAIN_SECONDS = 600
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
  readonly #held = new Map<string, HeldKey>()
  readonly #fetching = new Map<string, Promise<HeldKey>>()
  readonly #askedAt = new Map<string, number>()
  /** Of each conversation, the newest that this client has met. */
  readonly #newest = new Map<string, KeyRecord>()

  constructor(context: ClientContext, memberships: Memberships) {
    this.#context = context
    this.#memberships = memberships
    this.#fetches = new KeyFetches(context.api)
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
        : await this.#openSealed(object, state.members)
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
      await this.#ask(id)
      throw new ConversationError('KEY_PENDING', 'no device has handed this key on yet', { cause: error })
    }
    return this.accept(value, id)
  }

  async #openSealed(
    object: SealedKeyObject,
    members: ReadonlyMap<string, unknown>,
  ): Promise<{ readonly key: string; readonly madeAt: number; readonly by: string }> {
    const { application, backend, people: authors, now } = this.#context
    const { id, conversation, membership } = object
    const expected = { application, conversation, key: id, authors }
    const announced = await verifyKeyAnnouncement(backend, object.announcement, expected)
    if (
      announced.membership.head !== membership.head ||
      announced.membership.sequence !== membership.sequence
    ) {
      throw invalidRecord('the key was made for another membership than the server says')
    }
    const { state } = await this.#memberships.get(conversation)
    requireMaker(state, announced)
    if (announced.issued > now() + AUTHOR_SKEW_SECONDS) {
      throw new ConversationError('CLOCK_SKEW', "the key is from the future: check this device's clock")
    }
    const key = await this.#unwrap(object, announced, members).catch(async (error: unknown) => {
      // Whoever shared it may have shared nothing: others are asked.
      if (object.share !== undefined && !hasCode(error, 'KEY_PENDING')) await this.#askAnew(id)
      throw error
    })
    // A time ahead would hide what happened to devices until then.
    return { key, madeAt: Math.min(announced.issued, now()), by: announced.by.device }
  }

  async #unwrap(
    object: SealedKeyObject,
    announced: KeyAnnouncement,
    members: ReadonlyMap<string, unknown>,
  ): Promise<string> {
    const { backend, application, me, people: authors } = this.#context
    const { id, conversation, share, wrapped } = object
    const expected = { application, conversation, key: id, authors }
    const self = { username: me.username, device: me.device }
    let from = announced.by.device
    let thumbprint: string
    if (share === undefined) thumbprint = await this.#ownPlace(object, announced)
    else {
      const shared = await verifyKeyShare(backend, share, { ...expected, to: self })
      if (shared.commitment !== announced.commitment)
        throw invalidRecord('another key was shared than was announced')
      if (!members.has(shared.by.username))
        throw invalidRecord('the key was shared by somebody who never was a member')
      from = shared.by.device
      thumbprint = shared.to.key
    }
    const encryptionKey = await me.findEncryptionKey(thumbprint)
    if (!encryptionKey) return this.#askForErased(id)
    const context = { application, conversation, key: id, from, to: { ...self, thumbprint } }
    const key = await unwrapConversationKey(backend, encryptionKey, context, wrapped, announced.commitment)
    const text = toBase64url(key)
    overwrite(key)
    return text
  }

  /** Which encryption key of this device is among the announced recipients. */
  async #ownPlace({ id, proof }: SealedKeyObject, { recipients }: KeyAnnouncement): Promise<string> {
    const { backend, me } = this.#context
    const { username, device } = me
    for (const thumbprint of await me.encryptionThumbprints()) {
      try {
        await verifyRecipient(backend, { username, device, thumbprint }, proof!, recipients)
        return thumbprint
      } catch (error) {
        if (!hasCode(error, 'PROOF_INVALID')) throw error
      }
    }
    await this.#ask(id).catch(() => undefined)
    throw new ConversationError(
      'PROOF_INVALID',
      'the key was not made for this device, or for what it has erased (another device was asked)',
    )
  }

  async #askForErased(id: string): Promise<never> {
    await this.#ask(id)
    throw new ConversationError('KEY_PENDING', 'this device has erased what the key was wrapped for')
  }

  async #ask(id: string): Promise<void> {
    const now = this.#context.clock()
    const askedAt = this.#askedAt.get(id)
    if (askedAt !== undefined && now - askedAt < ASK_AGAIN_SECONDS * MS_PER_SECOND) return
    await this.#context.api.call('POST', `/v1/keys/${id}/requests`)
    this.#askedAt.set(id, now)
  }

  async #askAnew(id: string): Promise<void> {
    this.#askedAt.delete(id)
    await this.#ask(id).catch(() => undefined)
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
