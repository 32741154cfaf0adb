import { KeyhavenError } from '@keyhaven/crypto'
import { CONVERSATION_ALGORITHMS } from '../key/algorithm.ts'
import { newConversationId } from '../membership/conversation-id.ts'
import type { ConversationState } from '../membership/conversation-state.ts'
import { membershipHash, signMembershipEntry } from '../membership/entry.ts'
import { extendMembership, foldMembership } from '../membership/fold-membership.ts'
import type { CreateChange, Member, MembershipChange } from '../membership/membership-change.ts'
import type { HistoryRule, Role } from '../membership/rules.ts'
import { requireMembersArgument, requireModeArgument, requireRulesArgument } from './arguments.ts'
import type { ClientContext } from './client-context.ts'
import { ConversationError, hasCode, mayBeDone } from './conversation-error.ts'
import type { CreateOptions } from './conversations.ts'
import { inParallel } from './in-parallel.ts'
import type { KeyMaker } from './key-maker.ts'
import type { KeyRing } from './key-ring.ts'
import { type MadeKey, makeSealedKey } from './make-sealed-key.ts'
import type { KnownMembership, Memberships } from './memberships.ts'
import { FRESH_SECONDS } from './people.ts'
import { requireSending } from './require-writer.ts'

const ATTEMPTS = 5
const LOOK_UPS_AT_ONCE = 8
/** Nobody reads what was written before he came; a member's new device reads what the member may. */
const DEFAULT_HISTORY: HistoryRule = { members: 'joined', devices: 'all' }
const NO_ROTATION = { maxAge: null, maxMessages: null }

/** Signs changes of memberships, with the new key that each brings. */
export class MembershipChanges {
  readonly #context: ClientContext
  readonly #memberships: Memberships
  readonly #ring: KeyRing
  readonly #maker: KeyMaker

  constructor(context: ClientContext, memberships: Memberships, ring: KeyRing, maker: KeyMaker) {
    this.#context = context
    this.#memberships = memberships
    this.#ring = ring
    this.#maker = maker
  }

  /** @returns the id of a new conversation. @throws TypeError on a role, mode or rule that there is not. */
  async create(options: CreateOptions): Promise<string> {
    const { application, backend, me, people } = this.#context
    const { mode = 'sealed', history = DEFAULT_HISTORY, rotation = NO_ROTATION, retention = null } = options
    requireMembersArgument(options.members)
    requireModeArgument(mode)
    requireRulesArgument(options)
    const { [people.self]: _, ...others } = options.members
    const creator = { [people.self]: 'owner' as const, ...others }
    const change: Omit<CreateChange, 'nonce'> = {
      ...{ kind: 'create', mode, algorithm: CONVERSATION_ALGORITHMS[0]!, history, rotation, retention },
      members: await this.members(creator),
    }
    const creation = { ...(await this.#position(undefined)), ...change }
    const { conversation, nonce } = await newConversationId(backend, creation)
    const entry = await signMembershipEntry(me.signingKey, { ...creation, conversation, nonce })
    const expected = { application, conversation, authors: people }
    const state = await foldMembership(backend, [entry], expected)
    await this.#send('/v1/conversations', state, entry, {})
    return conversation
  }

  /** Users as an entry names them, at the place in their chains where the directory shows them now. */
  members(members: Readonly<Record<string, Role>>, history?: HistoryRule): Promise<Member[]> {
    return inParallel(Object.entries(members), LOOK_UPS_AT_ONCE, async ([username, role]) => {
      const { chain, head, sequence } = await this.#context.people.user(username, { maxAge: FRESH_SECONDS })
      return { username, role, chain, head, sequence, ...(history && { history }) }
    })
  }

  /**
   * Signs a change on top of the newest entry, and again if somebody else was first.
   *
   * @param change - made anew for each attempt.
   * @throws KeyhavenError `ACCESS_DENIED`, `RECORD_INVALID` if the membership does not admit it, before
   * anything is sent; `LAST_HOLDER`, `MEMBERSHIP_FORKED`, `CONFLICT`.
   */
  async change(
    id: string,
    change: (known: KnownMembership) => Promise<MembershipChange>,
    options: { readonly acceptLoss?: boolean } = {},
  ): Promise<void> {
    const { backend, me, people: authors } = this.#context
    let maxAge = FRESH_SECONDS
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const known = await this.#memberships.refresh(id)
      requireSending(known)
      const fields = { ...(await this.#position(known.state)), conversation: id, ...(await change(known)) }
      const entry = await signMembershipEntry(me.signingKey, fields)
      const state = await extendMembership(backend, known.state, [entry], { authors })
      try {
        await this.#send(`/v1/conversations/${id}/entries`, state, entry, { ...options, maxAge })
        return
      } catch (error) {
        if (!hasCode(error, 'CONFLICT', 'INPUT_INVALID') || attempt === ATTEMPTS - 1) throw error
        maxAge = 0
      }
    }
    throw new ConversationError('CONFLICT', 'the membership changes all the time')
  }

  /** Where the next entry stands, and who signs it. */
  async #position(before: ConversationState | undefined) {
    const { application, now, people } = this.#context
    return {
      application,
      sequence: before === undefined ? 0 : before.sequence + 1,
      previous: before?.head ?? null,
      issued: Math.max(now(), before?.issued ?? 0),
      by: await people.author(),
    }
  }

  /** @param state - as it is with the entry. */
  async #send(
    path: string,
    state: ConversationState,
    entry: string,
    { acceptLoss, maxAge }: { readonly acceptLoss?: boolean; readonly maxAge?: number },
  ): Promise<void> {
    const made = await this.#keyFor(state, maxAge)
    if (made) await this.#ring.keep(made.record)
    const body = { entry, ...(made && { key: made.upload }), ...(acceptLoss && { acceptLoss }) }
    let failure: unknown
    try {
      await this.#context.api.call('POST', path, body)
    } catch (error) {
      if (!mayBeDone(error)) throw error
      failure = error
    }
    // Not the answer decides, but what the server shows from now on, proven to be in the log.
    const hash = await membershipHash(this.#context.backend, entry)
    const { state: shown } = await this.#memberships.refresh(state.conversation)
    if (shown.heads[state.sequence] !== hash) {
      throw (
        failure ?? new KeyhavenError('PROOF_INVALID', 'the server does not show the change that it accepted')
      )
    }
    if (made && made.pages.length > 0) await this.#maker.sendPages(made)
  }

  /** Sealed: who changes the membership brings the key, unless he leaves by the change. */
  async #keyFor(state: ConversationState, maxAge: number | undefined): Promise<MadeKey | undefined> {
    if (state.mode === 'managed') return undefined
    const own = state.members.get(this.#context.people.self)
    if (!own || own.periods.at(-1)?.to !== undefined) return undefined
    return makeSealedKey(this.#context, state, maxAge === undefined ? {} : { maxAge })
  }
}
