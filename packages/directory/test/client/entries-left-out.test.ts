import { beforeEach, describe, expect, test } from 'vitest'
import { createLyingAuthority, type LyingAuthority } from './lying-authority.ts'
import { codeOf, secondDevice } from './test-user.ts'

let authority: LyingAuthority['authority']
let alice: LyingAuthority['alice']
let bob: LyingAuthority['bob']
let lie: LyingAuthority['lie']
let lookUp: LyingAuthority['lookUp']

beforeEach(async () => {
  ;({ authority, alice, bob, lie, lookUp } = await createLyingAuthority())
})

describe('entries left out', () => {
  beforeEach(async () => {
    await secondDevice(authority, bob)
    await secondDevice(authority, bob)
  })

  test('in the middle', async () => {
    lie((reply) => ({ ...reply, entries: [reply.entries[0], reply.entries[2]] }))
    expect(await lookUp()).toBe('CHAIN_BROKEN')
  })

  test('in the middle, with a sequence that fits their number', async () => {
    lie((reply) => ({ ...reply, entries: [reply.entries[0], reply.entries[2]], sequence: 1 }))
    expect(await lookUp()).toBe('CHAIN_BROKEN')
  })

  test('at the start', async () => {
    lie((reply) => ({ ...reply, entries: reply.entries.slice(1) }))
    expect(await lookUp()).toBe('CHAIN_BROKEN')
  })

  test('at the end, although the answer names it', async () => {
    lie((reply) => ({ ...reply, entries: reply.entries.slice(0, 2) }))
    expect(await lookUp()).toBe('CHAIN_BROKEN')
  })

  test('at the end, from somebody who has seen it', async () => {
    await alice.client.lookUp('bob')
    lie((reply) => ({ ...reply, entries: [], sequence: 1 }))
    expect(await lookUp()).toBe('DIRECTORY_STALE')
  })

  test('at the end, from somebody who was told of it', async () => {
    const { head, sequence } = authority.users.get('bob')!.state
    lie((reply) => ({ ...reply, entries: reply.entries.slice(0, 2), sequence: 1 }))
    const atLeast = { sequence, head: head! }
    expect(await codeOf(alice.client.lookUp('bob', { atLeast }))).toBe('DIRECTORY_STALE')
  })

  test('at the end, from a stranger: found by looking through the log', async () => {
    lie((reply) => ({ ...reply, entries: reply.entries.slice(0, 2), sequence: 1 }))
    expect(await lookUp()).toBe('accepted')
    lie((reply) => ({ ...reply, entries: [], sequence: 1 }))
    const { withheld, hidden } = await alice.client.monitor()
    expect(withheld).toEqual([{ username: 'bob', index: 4 }])
    expect(hidden).toEqual([])
  })

  test('all of them: a user that was there is not NOT_FOUND', async () => {
    await alice.client.lookUp('bob')
    authority.users.delete('bob')
    expect(await lookUp()).toBe('CHAIN_BROKEN')
  })

  test('and another order in the log', async () => {
    lie((reply) => ({ ...reply, entries: [reply.entries[1], reply.entries[0], reply.entries[2]] }))
    expect(await lookUp()).toBe('PROOF_INVALID')
  })
})
