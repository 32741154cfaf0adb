import { backend as runtimeBackend } from '@keyhaven/crypto'
import { isCurrentMember } from '../membership/conversation-state.ts'
import { type ListedConversation, readListed, readPage } from './answers.ts'
import { requireIdArgument } from './arguments.ts'
import type { ClientContext } from './client-context.ts'
import type { ConversationsOptions } from './client-options.ts'
import { advised, hasCode, isOnTheWay, withAdvice } from './conversation-error.ts'
import { type ConversationParts, createHandle } from './conversation-handle.ts'
import type { Conversation, ConversationSummary, Conversations } from './conversations.ts'
import { KeyMaker } from './key-maker.ts'
import { KeyRequests } from './key-requests.ts'
import { KeyRing } from './key-ring.ts'
import { LogChecks } from './log-checks.ts'
import { MembershipChanges } from './membership-changes.ts'
import { readMembership } from './membership-memory.ts'
import { Memberships } from './memberships.ts'
import { Memory } from './memory.ts'
import { Messages } from './messages.ts'
import { People } from './people.ts'
import { SendKeys } from './send-keys.ts'

const MS_PER_SECOND = 1_000

/** Conversations of one device. Nothing is sent before the first call; several clients may share a store. */
export function createConversations(options: ConversationsOptions): Conversations {
  const { application, me, directory, store, api, clock = Date.now, backend = runtimeBackend } = options
  if (me.application !== application) throw new TypeError('the device belongs to another application')
  const memory = new Memory(store, backend)
  const context: ClientContext = {
    ...{ application, me, api, memory, backend, clock },
    people: new People(me, directory, memory, clock),
    log: new LogChecks(directory, backend, me.username),
    now: () => Math.floor(clock() / MS_PER_SECOND),
    tell(event) {
      try {
        options.onEvent?.(event)
      } catch {
        // The app's own affair.
      }
    },
  }
  const memberships = new Memberships(context)
  const ring = new KeyRing(context, memberships)
  const maker = new KeyMaker(context, memberships, ring)
  const sendKeys = new SendKeys(context, memberships, ring, maker)
  const messages = new Messages(context, memberships, ring, sendKeys)
  const changes = new MembershipChanges(context, memberships, ring, maker)
  const requests = new KeyRequests(context, memberships, ring)
  const { server, call } = options.files
  const files: ConversationParts['files'] = { server, call: (...made) => withAdvice(() => call(...made)) }
  const parts: ConversationParts = { context, memberships, changes, maker, messages, files }

  async function open(id: string): Promise<Conversation> {
    requireIdArgument(id)
    const known = await memberships.get(id)
    const newest = await memberships.fresh(id).catch((error) => {
      // What is known is enough to read, to see that it has forked, and to check again.
      if (hasCode(error, 'MEMBERSHIP_FORKED')) return memberships.known(id) ?? known
      if (!isOnTheWay(error) && !hasCode(error, 'RATE_LIMITED', 'STORE_UNAVAILABLE')) throw error
      return known
    })
    return createHandle(parts, newest)
  }

  return {
    create: (created) => withAdvice(async () => open(await changes.create(created))),
    open: (id) => withAdvice(() => open(id)),
    list: () => list(context),
    decrypt: (keyId, packet, { from, archive } = {}) =>
      withAdvice(() =>
        messages.decrypt(keyId, packet, { ...(from !== undefined && { from }), archive: archive === true }),
      ),
    answerKeyRequests: () => withAdvice(() => requests.answer()),
  }
}

async function* list(context: ClientContext): AsyncGenerator<ConversationSummary> {
  try {
    for (let query = ''; ; ) {
      const { items, next } = readPage(await context.api.json('GET', `/v1/conversations${query}`))
      for (const item of items) yield await summary(context, readListed(item))
      if (next === undefined || items.length === 0) return
      query = `?after=${encodeURIComponent(next)}`
    }
  } catch (error) {
    throw advised(error)
  }
}

async function summary(context: ClientContext, listed: ListedConversation): Promise<ConversationSummary> {
  const { conversation, mode, role } = listed
  const changedAt = new Date(listed.changedAt * MS_PER_SECOND)
  const known = await readMembership(context.memory, conversation)
  if (!known) return { conversation, mode, role, changedAt, verified: false }
  const own = known.state.members.get(context.me.username)
  const isIn = own !== undefined && isCurrentMember(own)
  return { conversation, mode: known.state.mode, role: isIn ? own.role : null, changedAt, verified: true }
}
