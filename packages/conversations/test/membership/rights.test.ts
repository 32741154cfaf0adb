import { describe, expect, test } from 'vitest'
import type { MembershipChange, Role } from '../../src/index.ts'
import { currentMembers } from '../../src/membership/conversation-state.ts'
import { mayChange, mayRotate, mayWrite, mayWriteAt } from '../../src/membership/rights.ts'
import { ALL_HISTORY, codeOf, newHash, TestConversation } from './kit.ts'

const ROLES: readonly Role[] = ['owner', 'admin', 'member', 'reader']
/** Two of each, so that one can act on another of the same role. */
const EVERYBODY = Object.fromEntries(
  ROLES.flatMap((role) => [`${role}1`, `${role}2`].map((name) => [name, role])),
)

/** Who may do it to whom; what is not listed here is refused. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  'add owner': ['owner'],
  'add admin': ['owner'],
  'add member': ['owner', 'admin'],
  'add reader': ['owner', 'admin'],
  'remove owner': ['owner'],
  'remove admin': ['owner'],
  'remove member': ['owner', 'admin'],
  'remove reader': ['owner', 'admin'],
  'rank owner': ['owner'],
  'rank admin': ['owner'],
  'rank member': ['owner', 'admin'],
  'rank reader': ['owner', 'admin'],
  'raise member to admin': ['owner'],
  'raise reader to owner': ['owner'],
  leave: ['owner', 'admin', 'member', 'reader'],
  rules: ['owner', 'admin'],
  mode: ['owner'],
  'accept-chain owner': ['owner'],
  'accept-chain admin': ['owner'],
  'accept-chain member': ['owner', 'admin'],
  'accept-chain reader': ['owner', 'admin'],
}

/** The change as the named one of a role would make it. */
async function changeFor(
  conversation: TestConversation,
  action: string,
  by: string,
): Promise<MembershipChange> {
  const [verb, role] = action.split(' ') as [string, Role]
  if (verb === 'add') return { kind: 'add', members: [await conversation.people.member('newcomer', role)] }
  if (verb === 'remove') return { kind: 'remove', username: `${role}2` }
  if (verb === 'leave') return { kind: 'remove', username: by }
  if (verb === 'rank') {
    return { kind: 'role', username: `${role}2`, role: role === 'reader' ? 'member' : 'reader' }
  }
  if (verb === 'raise') return { kind: 'role', username: `${role}2`, role: action.split(' ')[3] as Role }
  if (verb === 'rules') return { kind: 'rules', history: ALL_HISTORY }
  if (verb === 'mode') return { kind: 'mode', mode: 'managed' }
  return { kind: 'accept-chain', username: `${role}2`, accepted: { chain: 1, head: newHash(), sequence: 5 } }
}

describe.each(Object.keys(MAY))('%s', (action) => {
  test.each(ROLES)('by a device of one with the role %s', async (role) => {
    const conversation = await TestConversation.create(EVERYBODY)
    const by = `${role}1`
    const change = await changeFor(conversation, action, by)
    const allowed = MAY[action]!.includes(role)
    expect(mayChange(conversation.state, { username: by, chain: 0 }, change).allowed).toBe(allowed)
    expect(await codeOf(conversation.change(by, change))).toBe(allowed ? 'none' : 'ACCESS_DENIED')
  })

  test('not by a stranger', async () => {
    const conversation = await TestConversation.create(EVERYBODY)
    const change = await changeFor(conversation, action, 'stranger')
    expect(await codeOf(conversation.change('stranger', change))).toBe('ACCESS_DENIED')
  })

  test('not by an owner who was removed', async () => {
    const conversation = await TestConversation.create(EVERYBODY)
    await conversation.change('owner2', { kind: 'remove', username: 'owner1' })
    const change = await changeFor(conversation, action, 'owner1')
    expect(await codeOf(conversation.change('owner1', change))).toBe('ACCESS_DENIED')
  })

  test('not by an owner whose chain was reset', async () => {
    const conversation = await TestConversation.create(EVERYBODY)
    await conversation.people.record('owner1', { chain: 1 })
    const change = await changeFor(conversation, action, 'owner1')
    expect(await codeOf(conversation.change('owner1', change))).toBe('ACCESS_DENIED')
  })
})

test('nobody accepts his own new chain', async () => {
  const conversation = await TestConversation.create({ ana: 'owner', ben: 'owner' })
  const { by } = await conversation.people.record('ana', { chain: 1 })
  const change: MembershipChange = { kind: 'accept-chain', username: 'ana', accepted: by }
  expect(await codeOf(conversation.change('ana', change))).toBe('ACCESS_DENIED')
  const state = await conversation.change('ben', change)
  expect(mayWrite(state, { username: 'ana', chain: 1 })).toBe(true)
  expect(mayWrite(state, { username: 'ana', chain: 0 })).toBe(false)
  expect(mayWriteAt(state, { username: 'ana', chain: 0 }, 0)).toBe(true)
  expect(mayWriteAt(state, { username: 'ana', chain: 1 }, 0)).toBe(false)
})

describe('the last owner', () => {
  test.each(['admin', 'reader'] as const)(
    'neither leaves nor becomes %s while others are in',
    async (role) => {
      const conversation = await TestConversation.create({ ana: 'owner', ben: 'admin' })
      const leave: MembershipChange = { kind: 'remove', username: 'ana' }
      expect(mayChange(conversation.state, { username: 'ana', chain: 0 }, leave)).toEqual({
        allowed: false,
        reason: 'name another owner first',
      })
      expect(await codeOf(conversation.change('ana', leave))).toBe('ACCESS_DENIED')
      const step: MembershipChange = { kind: 'role', username: 'ana', role }
      expect(await codeOf(conversation.change('ana', step))).toBe('ACCESS_DENIED')
      await conversation.change('ana', { kind: 'role', username: 'ben', role: 'owner' })
      expect(await codeOf(conversation.change('ana', step))).toBe('none')
      expect(await codeOf(conversation.change('ana', leave))).toBe('none')
    },
  )

  test('leaves when nobody else is in', async () => {
    const conversation = await TestConversation.create({ ana: 'owner', ben: 'member' })
    await conversation.change('ben', { kind: 'remove', username: 'ben' })
    const state = await conversation.change('ana', { kind: 'remove', username: 'ana' })
    expect(currentMembers(state)).toEqual([])
    expect(state.memberCount).toBe(0)
    expect(await codeOf(conversation.add('ana', 'ben', 'member'))).toBe('ACCESS_DENIED')
  })
})

test('who may write and rotate, at each head', async () => {
  const conversation = await TestConversation.create(EVERYBODY)
  for (const role of ROLES) {
    const who = { username: `${role}1`, chain: 0 }
    expect(mayWrite(conversation.state, who), role).toBe(role !== 'reader')
    expect(mayRotate(conversation.state, who), role).toBe(role !== 'reader')
    expect(mayWrite(conversation.state, { ...who, chain: 1 }), role).toBe(false)
  }
  await conversation.change('owner1', { kind: 'role', username: 'member1', role: 'reader' })
  await conversation.change('owner1', { kind: 'remove', username: 'member2' })
  const state = await conversation.add('owner1', 'member2', 'member')
  const at = (username: string) =>
    [0, 1, 2, 3].map((sequence) => mayWriteAt(state, { username, chain: 0 }, sequence))
  expect(at('member1')).toEqual([true, false, false, false])
  expect(at('member2')).toEqual([true, true, false, true])
  expect(at('stranger')).toEqual([false, false, false, false])
})
