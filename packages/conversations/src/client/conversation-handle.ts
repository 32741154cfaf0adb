import { createConversationFiles } from '../files/conversation-files.ts'
import { currentMembers } from '../membership/conversation-state.ts'
import type { MembershipChange } from '../membership/membership-change.ts'
import type { HistoryRule, Role } from '../membership/rules.ts'
import {
  requireIdArgument,
  requireMembersArgument,
  requireModeArgument,
  requireNewRulesArgument,
  requireRoleArgument,
  requireUsernameArgument,
} from './arguments.ts'
import type { ClientContext } from './client-context.ts'
import type { ConversationsOptions } from './client-options.ts'
import { advised, withAdvice } from './conversation-error.ts'
import type { Conversation, ConversationRules } from './conversations.ts'
import type { KeyMaker } from './key-maker.ts'
import { listChanges } from './list-changes.ts'
import { listHolders } from './list-holders.ts'
import { listReceipts } from './list-receipts.ts'
import type { MembershipChanges } from './membership-changes.ts'
import type { KnownMembership, Memberships } from './memberships.ts'
import type { Messages } from './messages.ts'

export interface ConversationParts {
  readonly context: ClientContext
  readonly memberships: Memberships
  readonly changes: MembershipChanges
  readonly maker: KeyMaker
  readonly messages: Messages
  readonly files: ConversationsOptions['files']
}

/** @param opened - what the conversation is known as; it shows what is known at each look. */
export function createHandle(parts: ConversationParts, opened: KnownMembership): Conversation {
  const { context, memberships, changes, maker, messages } = parts
  const id = opened.state.conversation
  const known = (): KnownMembership => memberships.known(id) ?? opened
  /** @param check - of what the app passed, before anything is called. */
  const change = (made: MembershipChange, check: () => void, options?: { readonly acceptLoss?: boolean }) =>
    withAdvice(async () => {
      check()
      await changes.change(id, async () => made, options)
    })
  return {
    id,
    get mode() {
      return known().state.mode
    },
    get history() {
      return known().state.history
    },
    get rotation() {
      return known().state.rotation
    },
    get retention() {
      return known().state.retention
    },
    get head() {
      const { sequence, head } = known().state
      return { sequence, head }
    },
    get forked() {
      return known().forked
    },
    files: createConversationFiles({ ...parts.files, conversation: id }),
    members: () =>
      currentMembers(known().state).map(({ username, role, chain, periods }) => ({
        ...{ username, role, chain },
        since: periods.at(-1)!.fromAt,
      })),
    me: () => currentMembers(known().state).find(({ username }) => username === context.me.username)?.role,
    encrypt: (content) => withAdvice(() => messages.encrypt(id, content)),
    rotate: () => withAdvice(async () => (await maker.make(id)).record.id),
    add: (members, options) => withAdvice(() => add(members, options)),
    remove: (username, { reason, ...options } = {}) =>
      change(
        { kind: 'remove', username, ...(reason !== undefined && { reason }) },
        () => requireUsernameArgument(username, reason),
        options,
      ),
    leave: (options) => change({ kind: 'remove', username: context.me.username }, () => {}, options),
    setRole: (username, role) =>
      change({ kind: 'role', username, role }, () => requireRoleArgument(username, role)),
    setRules: (rules: ConversationRules) =>
      change({ kind: 'rules', ...rules }, () => requireNewRulesArgument(rules)),
    setMode: (mode) => change({ kind: 'mode', mode }, () => requireModeArgument(mode)),
    acceptChain: (username) => withAdvice(() => acceptChain(username)),
    changes: (after) => advisedItems(() => listChanges(context, memberships, id, after)),
    receipts: (after) => advisedItems(() => listReceipts(context, id, after)),
    holders: (keyId) =>
      withAdvice(async () => {
        requireIdArgument(keyId, 'keyId')
        return listHolders(context, memberships, keyId)
      }),
    refresh: ({ afterFork = false } = {}) =>
      withAdvice(async () => {
        await (afterFork ? memberships.refreshWhole(id) : memberships.refresh(id))
      }),
  }

  async function add(
    members: Readonly<Record<string, Role>>,
    { history }: { readonly history?: HistoryRule } = {},
  ): Promise<void> {
    requireMembersArgument(members, history)
    await changes.change(id, async () => ({ kind: 'add', members: await changes.members(members, history) }))
  }

  async function acceptChain(username: string): Promise<void> {
    requireUsernameArgument(username)
    await changes.change(id, async () => {
      const { people } = context
      const newest = await people.newestChain(username, { fresh: true })
      const { chain, head, sequence } = await people.user(username, { maxAge: 0, accepted: newest })
      return { kind: 'accept-chain', username, accepted: { chain, head, sequence } }
    })
  }
}

async function* advisedItems<T>(list: () => AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* list()
  } catch (error) {
    throw advised(error)
  }
}
