import { expect, test } from 'vitest'
import { createWorld } from './kit/people.ts'

test('two people, one with two devices', async () => {
  const world = await createWorld()
  const alice = await world.device('alice')
  const bob = await world.device('bob')
  const bob2 = await world.device('bob', { approver: bob })
  const alice2 = await world.device('alice', { approver: alice })
  const sent = await alice.messenger.encrypt('bob', 'hello')
  expect(sent.recipients).toHaveLength(3)
  expect(sent.leftOut).toEqual([])
  for (const device of [bob, bob2, alice2]) {
    expect((await device.messenger.decrypt(sent.envelope)).text).toBe('hello')
  }
  const answer = await bob.messenger.encrypt('alice', 'hi')
  expect((await alice.messenger.decrypt(answer.envelope)).text).toBe('hi')
})
