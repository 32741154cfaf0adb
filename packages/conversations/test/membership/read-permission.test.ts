import { describe, expect, test } from 'vitest'
import type { HistoryRule } from '../../src/index.ts'
import { type ReadableKey, type Reader, readPermission } from '../../src/membership/read-permission.ts'
import { newHash, START, TestConversation } from './kit.ts'

/** Each entry comes a hundred seconds after the one before; a key is made right after each. */
const STEP = 100
const key = (membership: number, over: Partial<ReadableKey> = {}): ReadableKey => ({
  membership,
  madeAt: START + membership * STEP + 1,
  mode: 'sealed',
  ...over,
})
const OLD_DEVICE = START - 1_000

/** ben comes with entry 2, goes with entry 4, and the conversation goes on to entry 6. */
async function withBen(history: HistoryRule): Promise<TestConversation> {
  const conversation = await TestConversation.create({ ana: 'owner', cleo: 'member' })
  const step = (): number => (conversation.now += STEP)
  step()
  await conversation.change('ana', { kind: 'rules', retention: 1 })
  step()
  await conversation.add('ana', 'ben', 'reader', { history })
  step()
  await conversation.change('ana', { kind: 'rules', retention: 2 })
  step()
  await conversation.change('ana', { kind: 'remove', username: 'ben' })
  step()
  await conversation.change('ana', { kind: 'rules', retention: 3 })
  return conversation
}

/** For the keys of entries 0 to 5: the rule, or the refusal. */
function verdicts({ state }: TestConversation, reader: Partial<Reader> = {}): string[] {
  const who = { username: 'ben', chain: 0, deviceSince: OLD_DEVICE, ...reader }
  return Array.from({ length: state.sequence + 1 }, (_, at) => {
    const verdict = readPermission(state, who, key(at))
    return verdict.allowed ? verdict.rule : verdict.reason
  })
}

const since = (membership: number) => START + membership * STEP

describe('one who came and was removed', () => {
  test.each<[string, HistoryRule['members'], string[]]>([
    ['joined', 'joined', ['joined-later', 'joined-later', 'member', 'member', 'removed', 'removed']],
    ['all', 'all', ['history-all', 'history-all', 'member', 'member', 'removed', 'removed']],
    ['a date', since(1), ['joined-later', 'history-since', 'member', 'member', 'removed', 'removed']],
  ])('reads by the rule %s, and nothing made after', async (_, members, expected) => {
    expect(verdicts(await withBen({ members, devices: 'all' }))).toEqual(expected)
  })

  test('a device from after the removal reads nothing', async () => {
    const conversation = await withBen({ members: 'all', devices: 'all' })
    const late = verdicts(conversation, { deviceSince: since(4) + 1 })
    expect(late).toEqual([...Array(4).fill('device-joined-later'), 'removed', 'removed'])
    expect(verdicts(conversation, { deviceSince: since(4) }).slice(0, 4)).not.toContain('device-joined-later')
  })

  test('who comes again reads what he could read, and what is made from then on', async () => {
    const conversation = await withBen({ members: 'joined', devices: 'all' })
    conversation.now += STEP
    await conversation.add('ana', 'ben', 'reader')
    const expected = ['joined-later', 'joined-later', 'member', 'member', 'removed', 'removed', 'member']
    expect(verdicts(conversation)).toEqual(expected)
    // A device that came while he was out is one of the second stay only.
    expect(verdicts(conversation, { deviceSince: since(5) })).toEqual([
      ...['joined-later', 'joined-later', 'device-joined-later', 'device-joined-later'],
      ...['removed', 'removed', 'member'],
    ])
  })

  test('who comes again with the whole history reads what was sent while he was out', async () => {
    const conversation = await withBen({ members: 'joined', devices: 'all' })
    conversation.now += STEP
    await conversation.add('ana', 'ben', 'reader', { history: { members: 'all', devices: 'all' } })
    expect(verdicts(conversation)).toEqual([
      ...Array(2).fill('history-all'),
      'member',
      'member',
      'history-all',
      'history-all',
      'member',
    ])
  })
})

describe('devices', () => {
  test('a new one reads what its rule allows', async () => {
    const conversation = await TestConversation.create({ ana: 'owner' })
    for (const devices of ['all', 'joined'] as const) {
      const username = `with ${devices}`
      await conversation.add('ana', username, 'member', { history: { members: 'all', devices } })
      const reader = { username, chain: 0, deviceSince: START + 50 }
      const at = (madeAt: number) => readPermission(conversation.state, reader, key(2, { madeAt }))
      const before = { allowed: false, reason: 'device-joined-later', permission: 'conversation:read' }
      expect(at(START + 49)).toMatchObject(devices === 'all' ? { allowed: true } : before)
      expect(at(START + 50)).toMatchObject({ allowed: true })
    }
  })

  test('a legacy device gets managed keys only', async () => {
    const { state } = await TestConversation.create({ ana: 'owner' })
    const reader = { username: 'ana', chain: 0, deviceSince: OLD_DEVICE, legacy: true }
    expect(readPermission(state, reader, key(0))).toMatchObject({ allowed: false, reason: 'suite' })
    expect(readPermission(state, reader, key(0, { mode: 'managed' }))).toMatchObject({ allowed: true })
  })
})

describe('after a reset', () => {
  async function reset(history: HistoryRule): Promise<TestConversation> {
    const conversation = await TestConversation.create({ ana: 'owner' })
    await conversation.add('ana', 'ben', 'member', { history })
    conversation.now += STEP
    const accepted = { chain: 1, head: newHash(), sequence: 2 }
    await conversation.change('ana', { kind: 'accept-chain', username: 'ben', accepted })
    return conversation
  }

  test('nobody reads anything until the new chain is signed in', async () => {
    const conversation = await withBen({ members: 'all', devices: 'all' })
    expect(new Set(verdicts(conversation, { chain: 1 }))).toEqual(new Set(['reset']))
  })

  test('then the new devices read as new devices do, and the old ones nothing', async () => {
    const reader = { chain: 1, deviceSince: START + 10 }
    const all = await reset({ members: 'joined', devices: 'all' })
    expect(verdicts(all, reader)).toEqual(['joined-later', 'member', 'member'])
    expect(verdicts(all)).toEqual(['reset', 'reset', 'reset'])
    // Keys made between the reset and the acceptance were not made for the new chain.
    const joined = await reset({ members: 'joined', devices: 'joined' })
    expect(verdicts(joined, reader)).toEqual(['joined-later', 'device-joined-later', 'member'])
  })
})

test('a stranger is told apart, so that he learns nothing', async () => {
  const conversation = await withBen({ members: 'all', devices: 'all' })
  expect(new Set(verdicts(conversation, { username: 'dora' }))).toEqual(new Set(['stranger']))
})
