import { KeyhavenError } from '@keyhaven/crypto'
import type { MembershipHead } from '../key/announcement.ts'
import { type ConversationState, knowsHead } from '../membership/conversation-state.ts'
import { decodeMembershipEntry, type MembershipEntry, membershipItem } from '../membership/entry.ts'
import { extendMembership, foldMembership } from '../membership/fold-membership.ts'
import type { RotationReason } from '../membership/rotation-due.ts'
import { type MembershipAnswer, readMembershipAnswer } from './answers.ts'
import { changeOf } from './change-of.ts'
import type { ClientContext } from './client-context.ts'
import { ConversationError, hasCode } from './conversation-error.ts'
import {
  type Membership,
  modesAfter,
  readMembership,
  type VersionedMembership,
  writeMembership,
} from './membership-memory.ts'

/** Before anything is sent, the membership is asked for again if the last answer is older. */
export const SEND_REFRESH_SECONDS = 60
const MS_PER_SECOND = 1_000
const COMMIT_ATTEMPTS = 8

/** A membership with what the server said of it last, which nobody has signed. */
export interface KnownMembership extends VersionedMembership {
  /** Milliseconds since the epoch; 0: not asked since this client began. */
  readonly checkedAt: number
  readonly currentKey: string | null
  readonly rotationDue: RotationReason | null
}

interface Fetched {
  readonly membership: Membership
  readonly entries: readonly MembershipEntry[]
  readonly last: MembershipAnswer
  /** When it was asked for, milliseconds since the epoch. */
  readonly at: number
}

/** Memberships, folded from entries that were verified one by one; they only ever grow. */
export class Memberships {
  readonly #context: ClientContext
  readonly #known = new Map<string, KnownMembership>()
  readonly #refreshing = new Map<string, Promise<KnownMembership>>()

  constructor(context: ClientContext) {
    this.#context = context
  }

  /** As last known; asked for if it never was. Throws as {@link refresh}. */
  async get(id: string): Promise<KnownMembership> {
    const known = this.#known.get(id)
    if (known) return known
    const stored = await readMembership(this.#context.memory, id)
    if (!stored) return this.refresh(id)
    return this.#keep(this.#known.get(id) ?? { ...stored, checkedAt: 0, currentKey: null, rotationDue: null })
  }

  /** What this client has met, without the store and without a call. */
  known(id: string): KnownMembership | undefined {
    return this.#known.get(id)
  }

  /** Not older than {@link SEND_REFRESH_SECONDS}. Throws as {@link refresh}. */
  async fresh(id: string): Promise<KnownMembership> {
    const known = await this.get(id)
    const age = this.#context.clock() - known.checkedAt
    return age >= 0 && age < SEND_REFRESH_SECONDS * MS_PER_SECOND ? known : this.refresh(id)
  }

  /**
   * Asks the server for what is new. One call at a time for each conversation.
   *
   * @throws KeyhavenError `MEMBERSHIP_FORKED` if it shows another history than before, which is remembered;
   * `DIRECTORY_STALE` if it shows less; `PROOF_INVALID`, `LOG_INCONSISTENT` if an entry is not in the log; as
   * `foldMembership`.
   */
  refresh(id: string): Promise<KnownMembership> {
    let refreshing = this.#refreshing.get(id)
    if (!refreshing) {
      refreshing = this.#refresh(id).finally(() => this.#refreshing.delete(id))
      this.#refreshing.set(id, refreshing)
    }
    return refreshing
  }

  /**
   * Fetches everything from the first entry on; if it is one history with the known one, the fork counts no
   * more.
   */
  async refreshWhole(id: string): Promise<KnownMembership> {
    const before = await readMembership(this.#context.memory, id)
    const fetched = await this.#fetch(id, undefined)
    if (before) this.#requireSame(before.state, fetched.membership.state)
    return this.#save(id, fetched, { forked: false })
  }

  /**
   * Sees to it that a head is part of the known membership: what is newer is fetched.
   *
   * @throws KeyhavenError `MEMBERSHIP_FORKED` if it cannot be linked, which is remembered.
   */
  async reach(id: string, head: MembershipHead): Promise<KnownMembership> {
    let known = await this.get(id)
    if (head.sequence > known.state.sequence) known = await this.refresh(id)
    await this.#watched(id, async () => {
      if (!knowsHead(known.state, head))
        throw forked('the server does not show what the membership goes on with')
    })
    return known
  }

  /** After a key was made: the server's last word is out of date. */
  setCurrentKey(id: string, currentKey: string): void {
    const known = this.#known.get(id)
    if (known) this.#keep({ ...known, currentKey, rotationDue: null })
  }

  async #refresh(id: string): Promise<KnownMembership> {
    const before = await readMembership(this.#context.memory, id)
    return this.#watched(id, async () => this.#save(id, await this.#fetch(id, before), {}))
  }

  async #fetch(id: string, before: Membership | undefined): Promise<Fetched> {
    const { api, clock } = this.#context
    const at = clock()
    let membership = before
    const entries: MembershipEntry[] = []
    for (;;) {
      const query = membership ? `?after=${membership.state.sequence}` : ''
      const answer = readMembershipAnswer(await api.json('GET', `/v1/conversations/${id}${query}`))
      for (const { entry, commitment } of answer.entries) {
        await this.#context.log.require(membershipItem(entry), commitment, answer)
      }
      const added = answer.entries.map(({ entry }) => entry)
      const state = await this.#extend(id, membership?.state, added)
      const decoded = added.map(decodeMembershipEntry)
      entries.push(...decoded)
      membership = {
        state,
        modes: modesAfter(membership?.modes ?? [], decoded),
        forked: membership?.forked ?? false,
      }
      if (answer.more && added.length > 0) continue
      requireShown(state, answer)
      return { membership, entries, last: answer, at }
    }
  }

  #extend(id: string, state: ConversationState | undefined, entries: readonly string[]) {
    const { backend, application, people: authors } = this.#context
    if (state) return extendMembership(backend, state, entries, { authors })
    return foldMembership(backend, entries, { application, conversation: id, authors })
  }

  /** Other tabs and processes may have gone further: both must be one history, and the longer one stays. */
  async #save(
    id: string,
    { membership, entries, last, at }: Fetched,
    change: { readonly forked?: false },
  ): Promise<KnownMembership> {
    const { memory } = this.#context
    const server = { checkedAt: at, currentKey: last.currentKey, rotationDue: last.rotationDue }
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const stored = await readMembership(memory, id)
      if (stored) this.#requireSame(stored.state, membership.state)
      const newer = stored && stored.state.sequence >= membership.state.sequence ? stored : membership
      const saved = { ...newer, forked: change.forked ?? stored?.forked ?? false }
      if (stored && saved.forked === stored.forked && newer === stored) {
        return this.#keep({ ...stored, ...server })
      }
      if (!(await writeMembership(memory, saved, stored?.version ?? null))) continue
      if (stored) this.#tellChanges(id, entries, saved.state)
      return this.#keep({ ...saved, ...server, version: (stored?.version ?? 0) + 1 })
    }
    throw new KeyhavenError('STORE_UNAVAILABLE', 'the store is changed by others all the time: try again')
  }

  #tellChanges(id: string, entries: readonly MembershipEntry[], { heads }: ConversationState): void {
    for (const entry of entries) {
      const change = changeOf(entry, heads[entry.sequence]!)
      this.#context.tell({ type: 'changed', conversation: id, change })
    }
  }

  #requireSame(one: ConversationState, other: ConversationState): void {
    const sequence = Math.min(one.sequence, other.sequence)
    if (one.heads[sequence] !== other.heads[sequence]) throw forked('the server shows two histories')
  }

  /** A fork, once met, is remembered: all tabs stop sending. */
  async #watched<T>(id: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      if (hasCode(error, 'MEMBERSHIP_FORKED')) await this.markForked(id)
      throw error
    }
  }

  async markForked(id: string): Promise<void> {
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const stored = await readMembership(this.#context.memory, id)
      if (!stored) return
      const known = this.#known.get(id)
      if (known) this.#keep({ ...known, forked: true })
      if (stored.forked) return
      if (!(await writeMembership(this.#context.memory, { ...stored, forked: true }, stored.version)))
        continue
      this.#context.tell({ type: 'forked', conversation: id })
      return
    }
    throw new KeyhavenError('STORE_UNAVAILABLE', 'the store is changed by others all the time: try again')
  }

  #keep(known: KnownMembership): KnownMembership {
    this.#known.set(known.state.conversation, known)
    return known
  }
}

/** The server's own word on where the membership stands, against what its entries amount to. */
function requireShown(state: ConversationState, { sequence, head }: MembershipAnswer): void {
  if (sequence > state.sequence) {
    throw new ConversationError('CHAIN_BROKEN', 'the server holds back entries of the membership')
  }
  if (state.heads[sequence] !== head) throw forked('the server shows another history than before')
  if (sequence < state.sequence) {
    throw new ConversationError('DIRECTORY_STALE', 'the server shows an older membership than before')
  }
}

function forked(what: string): ConversationError {
  return new ConversationError('MEMBERSHIP_FORKED', what)
}
