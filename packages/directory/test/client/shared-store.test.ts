import { createMemoryDirectoryStore, type DirectoryClientStore } from '@keyhaven/directory'
import { expect, test } from 'vitest'
import { TestAuthority } from './test-authority.ts'
import { codeOf, newUser, registered } from './test-user.ts'

test('two tabs on one store: neither makes the other forget', async () => {
  const authority = await TestAuthority.create()
  const one = await registered(authority, 'alice')
  const two = await newUser(authority, 'alice', { store: one.store })
  two.client.use({ username: 'alice', ...one.keys })
  for (const name of ['bob', 'carol', 'dave']) {
    await registered(authority, name)
    await Promise.all([one.client.lookUp(name), two.client.lookUp(name), one.client.lookUp('alice')])
  }
  const checkpoint = await one.client.checkpoint()
  expect(checkpoint?.size).toBe(authority.leaves.length)
  expect(await two.client.checkpoint()).toEqual(checkpoint)
})

test('a view that is split between two tabs is found by the one that remembers second', async () => {
  const authority = await TestAuthority.create()
  const one = await registered(authority, 'alice')
  await registered(authority, 'bob')
  const other = await authority.fork()
  await registered(authority, 'carol')
  await registered(other, 'mallory')
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const two = await newUser(authority, 'alice', {
    store: one.store,
    fetch: async (...call) => {
      const answer = await other.fetch(...call)
      await held
      return answer
    },
  })
  two.client.use({ username: 'alice', ...one.keys })
  const second = codeOf(two.client.lookUp('bob'))
  await one.client.lookUp('bob')
  release()
  expect(await second).toBe('LOG_INCONSISTENT')
})

test('a store that fails to write fails the call, and leaves the old state', async () => {
  const authority = await TestAuthority.create()
  const memory = createMemoryDirectoryStore()
  let broken = false
  const store: DirectoryClientStore = {
    get: memory.get,
    set: (key, value) => {
      if (broken) throw new TypeError('disk full')
      return memory.set(key, value)
    },
  }
  const alice = await registered(authority, 'alice', { store })
  const before = await alice.client.checkpoint()
  await registered(authority, 'bob')
  broken = true
  expect(await codeOf(alice.client.lookUp('bob'))).toBe('TypeError: disk full')
  expect(await alice.client.checkpoint()).toEqual(before)
  broken = false
  expect(await codeOf(alice.client.lookUp('bob'))).toBe('accepted')
})
