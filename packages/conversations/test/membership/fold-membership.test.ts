import { KeyhavenError } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { describe, expect, test } from 'vitest'
import type { AuthorKeys } from '../../src/membership/author.ts'
import {
  decodeConversationState,
  encodeConversationState,
  knowsHead,
  memberAt,
} from '../../src/membership/conversation-state.ts'
import { extendMembership, foldMembership } from '../../src/membership/fold-membership.ts'
import { AUTHOR_SKEW_SECONDS, MAX_MEMBERS } from '../../src/membership/limits.ts'
import { ALL_HISTORY, BACKENDS, codeOf, newHash, newId, START, TestConversation } from './kit.ts'

async function grown(): Promise<TestConversation> {
  const conversation = await TestConversation.create({ ana: 'owner', ben: 'member' })
  conversation.now += 10
  await conversation.add('ana', 'cleo', 'admin', { history: ALL_HISTORY })
  await conversation.change('ana', { kind: 'rules', history: ALL_HISTORY, retention: 7 })
  conversation.now += 10
  await conversation.change('cleo', { kind: 'remove', username: 'ben', reason: 'left the company' })
  await conversation.change('ana', { kind: 'mode', mode: 'managed' })
  return conversation
}

test.each(BACKENDS)('the same entries amount to the same on $name', async (backend) => {
  const { entries, id, people, state } = await grown()
  const authors: AuthorKeys = {
    // A key object of one backend is none of another.
    signingKey: (by, issued) => structuredClone(people.signingKey(by, issued)),
  }
  const expected = { application: 'demo', conversation: id, authors }
  expect(await foldMembership(backend, entries, expected)).toEqual(state)
})

test('what entries amount to', async () => {
  const { state, id } = await grown()
  expect(state).toMatchObject({
    conversation: id,
    sequence: 4,
    mode: 'managed',
    history: ALL_HISTORY,
    retention: 7,
    memberCount: 2,
    createdAt: START,
    issued: START + 20,
  })
  expect(state.members.get('ben')).toMatchObject({
    role: 'member',
    periods: [{ from: 0, fromAt: START, to: 3, toAt: START + 20, chain: 0 }],
  })
  // The rule that counts is the one at joining, or his own.
  expect(state.members.get('ben')!.periods[0]!.history.members).toBe('joined')
  expect(state.members.get('cleo')!.periods[0]!.history).toEqual(ALL_HISTORY)
  expect(memberAt(state, 'ben', 2)).toEqual({ role: 'member', chain: 0 })
  expect(memberAt(state, 'ben', 3)).toBeUndefined()
})

test('entry by entry, or all at once, or from what was stored', async () => {
  const { entries, id, people, state } = await grown()
  const expected = { application: 'demo', conversation: id, authors: people }
  let stored = encodeConversationState(await foldMembership(nodeBackend, entries.slice(0, 1), expected))
  for (const entry of entries.slice(1)) {
    const before = decodeConversationState(stored)
    const copy = structuredClone(before)
    stored = encodeConversationState(await extendMembership(nodeBackend, before, [entry], expected))
    expect(before, 'the state before stays as it was').toEqual(copy)
  }
  expect(decodeConversationState(stored)).toEqual(state)
})

describe('links', () => {
  test('each entry left out, each pair in the other order', async () => {
    const { entries, ...conversation } = await grown()
    const refold = (list: readonly string[]) =>
      codeOf(
        foldMembership(nodeBackend, list, {
          application: 'demo',
          conversation: conversation.id,
          authors: conversation.people,
        }),
      )
    expect(await refold([])).toBe('CHAIN_BROKEN')
    for (let at = 0; at < entries.length - 1; at++) {
      expect(await refold(entries.toSpliced(at, 1)), `without ${at}`).toBe('CHAIN_BROKEN')
      const swapped = entries.with(at, entries[at + 1]!).with(at + 1, entries[at]!)
      expect(await refold(swapped), `swapped ${at}`).toBe('CHAIN_BROKEN')
      expect(await refold(entries.toSpliced(at, 0, entries[at]!)), `twice ${at}`).not.toBe('none')
    }
  })

  test('an entry that follows another than the last is a fork', async () => {
    const conversation = await grown()
    const forked = await conversation.sign('ana', { kind: 'mode', mode: 'sealed' }, { previous: newHash() })
    expect(await codeOf(conversation.put(forked))).toBe('MEMBERSHIP_FORKED')
  })

  test('a head that somebody names is known, newer, or a fork', async () => {
    const { state } = await grown()
    expect(knowsHead(state, { sequence: 2, head: state.heads[2]! })).toBe(true)
    expect(knowsHead(state, { sequence: 5, head: newHash() })).toBe(false)
    expect(await codeOf(() => knowsHead(state, { sequence: 2, head: state.heads[3]! }))).toBe(
      'MEMBERSHIP_FORKED',
    )
  })

  test.each([
    ['another application', { application: 'other' }],
    ['another conversation', { conversation: newId() }],
    ['an earlier date than the entry before', { issued: START }],
  ])('an entry of %s', async (_, over) => {
    const conversation = await grown()
    const entry = await conversation.sign('ana', { kind: 'mode', mode: 'sealed' }, over)
    expect(await codeOf(conversation.put(entry))).toBe('RECORD_INVALID')
  })

  test('the entries of one conversation are not those of another', async () => {
    const one = await TestConversation.create({ ana: 'owner' })
    expect(
      await codeOf(
        foldMembership(nodeBackend, one.entries, {
          application: 'demo',
          conversation: newId(),
          authors: one.people,
        }),
      ),
    ).toBe('RECORD_INVALID')
  })
})

describe('changes that make no sense', () => {
  test.each([
    ['a member who is one is added', 'add'],
    ['somebody who is none is removed', 'remove'],
    ['the same role', 'role'],
    ['the same mode', 'mode'],
    ['a chain that is not newer', 'accept-chain'],
    ['a second creation', 'create'],
  ] as const)('%s', async (_, kind) => {
    const conversation = await TestConversation.create({ ana: 'owner', ben: 'member' })
    const { people, state } = conversation
    const ben = await people.member('ben', 'member')
    const { mode, algorithm, history, rotation, retention } = state
    const change = {
      add: { kind: 'add', members: [ben] },
      remove: { kind: 'remove', username: 'cleo' },
      role: { kind: 'role', username: 'ben', role: 'member' },
      mode: { kind: 'mode', mode: 'sealed' },
      'accept-chain': { kind: 'accept-chain', username: 'ben', accepted: ben },
      create: {
        kind: 'create',
        nonce: newId(),
        mode,
        algorithm,
        history,
        rotation,
        retention,
        members: [ben],
      },
    } as const
    expect(await codeOf(conversation.change('ana', change[kind]))).toBe(
      kind === 'create' ? 'ACCESS_DENIED' : 'RECORD_INVALID',
    )
  })

  test.each([
    ['is not among the members', { ben: 'owner' }],
    ['is no owner', { ana: 'admin', ben: 'owner' }],
  ] as const)('a creator who %s', async (_, members) => {
    const conversation = new TestConversation()
    const listed = Object.entries(members).map(([name, role]) => conversation.people.member(name, role))
    const entry = await conversation.begin('ana', {
      ...{ kind: 'create', mode: 'sealed', algorithm: 'A256GCM', history: ALL_HISTORY },
      ...{
        rotation: { maxAge: null, maxMessages: null },
        retention: null,
        members: await Promise.all(listed),
      },
    })
    expect(await codeOf(conversation.fold([entry]))).toBe('RECORD_INVALID')
  })

  test('a creator who pins another chain for himself than he signs with', async () => {
    const conversation = new TestConversation()
    const me = await conversation.people.member('ana', 'owner', { head: newHash() })
    const entry = await conversation.begin('ana', {
      ...{ kind: 'create', mode: 'sealed', algorithm: 'A256GCM', history: ALL_HISTORY },
      ...{ rotation: { maxAge: null, maxMessages: null }, retention: null, members: [me] },
    })
    expect(await codeOf(conversation.fold([entry]))).toBe('RECORD_INVALID')
  })

  test('more members than a conversation has', async () => {
    const conversation = await TestConversation.create({ ana: 'owner' })
    const one = await conversation.people.member('x', 'member')
    for (let first = 1; first < MAX_MEMBERS; first += 999) {
      const length = Math.min(999, MAX_MEMBERS - first)
      const members = Array.from({ length }, (_, at) => ({ ...one, username: `user ${first + at}` }))
      await conversation.change('ana', { kind: 'add', members })
    }
    expect(conversation.state.memberCount).toBe(MAX_MEMBERS)
    expect(await codeOf(conversation.add('ana', 'one more', 'reader'))).toBe('WIRE_TOO_LARGE')
  })
})

describe('who signed', () => {
  const remove = { kind: 'remove', username: 'ben' } as const

  test('a signature of another device is refused, with whatever name', async () => {
    const conversation = await TestConversation.create({ ana: 'owner', ben: 'member' })
    const { by } = await conversation.people.device('ana')
    const forged = await conversation.sign('ben', remove, { by })
    expect(await codeOf(conversation.put(forged))).toBe('SIGNATURE_INVALID')
  })

  test('what a device signed before its renewal or revocation stays valid', async () => {
    const conversation = await TestConversation.create({ ana: 'owner', ben: 'member' })
    const { by } = await conversation.people.device('ana')
    conversation.now += 5_000
    conversation.people.change('ana', by.device, { supersededAt: START + 5_000 })
    await conversation.people.record('ana', { device: by.device, issued: START + 5_000, sequence: 1 })
    await conversation.change('ana', remove)
    conversation.people.change('ana', by.device, { revokedAt: START + 9_000 })
    expect((await conversation.fold()).sequence).toBe(1)
  })

  test('what it signed after is refused', async () => {
    const conversation = await TestConversation.create({ ana: 'owner', ben: 'member' })
    const { by } = await conversation.people.device('ana')
    conversation.people.change('ana', by.device, { revokedAt: START + 100 })
    const over = { issued: START + 100 + AUTHOR_SKEW_SECONDS + 1 }
    expect(await codeOf(conversation.put(await conversation.sign('ana', remove, over)))).toBe(
      'SENDER_REVOKED',
    )
  })

  test('what it signed after its renewal, or after its end, is refused', async () => {
    for (const change of [{ supersededAt: START + 100 }, { expires: START + 100 }]) {
      const conversation = await TestConversation.create({ ana: 'owner', ben: 'member' })
      const { by } = await conversation.people.device('ana')
      conversation.people.change('ana', by.device, change)
      const late = await conversation.sign('ana', remove, { issued: START + 101 + AUTHOR_SKEW_SECONDS })
      expect(await codeOf(conversation.put(late))).toBe('KEY_EXPIRED')
    }
  })

  test('a revoked device that dates back cannot date back behind the last entry', async () => {
    const conversation = await TestConversation.create({ ana: 'owner', ben: 'member', thief: 'admin' })
    const { by } = await conversation.people.device('thief')
    conversation.now = START + 5_000
    await conversation.change('ana', { kind: 'rules', retention: 3 })
    conversation.people.change('thief', by.device, { revokedAt: START + 100 })
    const dated = await conversation.sign('thief', remove, { issued: START + 50 })
    expect(await codeOf(conversation.put(dated))).toBe('RECORD_INVALID')
  })

  test('an author who knows less of his own chain than the conversation does', async () => {
    const conversation = await TestConversation.create({ ana: 'owner', ben: 'member' })
    const { by } = await conversation.people.device('ana')
    const renewed = { ...by, sequence: 4, head: newHash() }
    await conversation.put(await conversation.sign('ana', { kind: 'mode', mode: 'managed' }, { by: renewed }))
    const older = await conversation.sign('ana', remove, { by: { ...by, sequence: 3 } })
    expect(await codeOf(conversation.put(older))).toBe('CHAIN_BROKEN')
    const other = await conversation.sign('ana', remove, { by: { ...by, sequence: 4 } })
    expect(await codeOf(conversation.put(other))).toBe('CHAIN_BROKEN')
    expect(await codeOf(conversation.put(await conversation.sign('ana', remove, { by: renewed })))).toBe(
      'none',
    )
  })

  test('nobody comes back with a chain that was reset', async () => {
    const conversation = await TestConversation.create({ ana: 'owner', ben: 'member' })
    const accepted = { chain: 2, head: newHash(), sequence: 9 }
    await conversation.change('ana', { kind: 'accept-chain', username: 'ben', accepted })
    await conversation.change('ana', remove)
    expect(await codeOf(conversation.add('ana', 'ben', 'member', { chain: 1, sequence: 10 }))).toBe(
      'RECORD_INVALID',
    )
    expect(await codeOf(conversation.add('ana', 'ben', 'member', { chain: 2, sequence: 8 }))).toBe(
      'CHAIN_BROKEN',
    )
    expect(await codeOf(conversation.add('ana', 'ben', 'member', { chain: 2, sequence: 10 }))).toBe('none')
  })

  test('what the directory throws is thrown', async () => {
    const { entries, id } = await grown()
    const authors: AuthorKeys = {
      signingKey: () => Promise.reject(new KeyhavenError('DIRECTORY_STALE', 'the directory is behind')),
    }
    const folded = foldMembership(nodeBackend, entries, { application: 'demo', conversation: id, authors })
    expect(await codeOf(folded)).toBe('DIRECTORY_STALE')
  })
})
