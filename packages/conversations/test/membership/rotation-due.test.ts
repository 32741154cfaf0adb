import { expect, test } from 'vitest'
import { devicesNeedRotation, rotationDue } from '../../src/membership/rotation-due.ts'
import { ALL_HISTORY, NO_HISTORY, START, TestConversation } from './kit.ts'

const rotation = { maxAge: 3_600, maxMessages: 50 }
const { state } = await TestConversation.create({ ana: 'owner' }, { rotation, history: ALL_HISTORY })
const KEY = { membership: 0, madeAt: START, mode: 'sealed' } as const
const now = START + 10

test.each([
  ['nothing', KEY, { now }, null],
  ['no key', undefined, { now }, 'membership'],
  ['a newer membership', { ...KEY, membership: -1 }, { now }, 'membership'],
  ['another mode', { ...KEY, mode: 'managed' as const }, { now }, 'membership'],
  ['a device that left', KEY, { now, deviceLeftAt: START + 1 }, 'device'],
  ['a device that left in the same second', KEY, { now, deviceLeftAt: START }, 'device'],
  ['a device that had left before', KEY, { now, deviceLeftAt: START - 1 }, null],
  ['a device that came', KEY, { now, deviceJoinedAt: START + 1 }, 'device'],
  ['almost its age', KEY, { now: START + 3_599 }, null],
  ['its age', KEY, { now: START + 3_600 }, 'age'],
  ['almost its messages', KEY, { now, messages: 49 }, null],
  ['its messages', KEY, { now, messages: 50 }, 'messages'],
])('after %s', (_, key, facts, due) => {
  expect(rotationDue(state, key, facts)).toBe(due)
})

test('at the date that a rule names: the conversation’s, or a member’s own', async () => {
  const date = START + 100
  const byAll = await TestConversation.create(
    { ana: 'owner' },
    { history: { members: date, devices: 'all' } },
  )
  const byOne = await TestConversation.create({ ana: 'owner' })
  await byOne.add('ana', 'ben', 'reader', { history: { members: date, devices: 'all' } })
  for (const { state: dated } of [byAll, byOne]) {
    const key = { ...KEY, membership: dated.sequence }
    expect(rotationDue(dated, key, { now: date - 1 })).toBe(null)
    expect(rotationDue(dated, key, { now: date })).toBe('rule')
    expect(rotationDue(dated, { ...key, madeAt: date }, { now: date + 1 })).toBe(null)
  }
})

test('whose new devices need a new key', async () => {
  const conversation = await TestConversation.create({ ana: 'owner' }, { history: ALL_HISTORY })
  await conversation.add('ana', 'ben', 'reader', { history: NO_HISTORY })
  expect(devicesNeedRotation(conversation.state, 'ana')).toBe(false)
  expect(devicesNeedRotation(conversation.state, 'ben')).toBe(true)
})
