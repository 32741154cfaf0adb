import { toHex } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMessenger, type MessagingStore, memoryStore, openDeviceKeys } from '../src/index.ts'
import { decodeEnvelope } from '../src/wire/envelope.ts'
import { createWorld, type TestDevice, type World } from './kit/people.ts'
import { APPLICATION } from './kit/test-directory.ts'
import { keysOfChain, liesIn, negotiatedChain } from './kit/thief.ts'

const MESSAGES = 50
const OFF = { settings: { archive: false } }

let world: World
let bob: TestDevice

beforeEach(async () => {
  world = await createWorld()
  bob = await world.device('bob', OFF)
})

/** A store and every value that was ever put into it, opened. */
function recorded(): { store: MessagingStore; values: { key: string; value: Uint8Array }[] } {
  const inner = memoryStore()
  const values: { key: string; value: Uint8Array }[] = []
  const store: MessagingStore = {
    ...inner,
    commit(change) {
      for (const { key, value } of change.put ?? []) values.push({ key, value: value.slice() })
      return inner.commit(change)
    },
  }
  return { store, values }
}

/** All keys that a session had up to and after its last message, as its recipient finds them. */
async function keysOf(envelope: string) {
  const first = (await negotiatedChain(decodeEnvelope(envelope), bob.keys.encryptionKey))!
  return keysOfChain(first, MESSAGES)
}

async function sendMany(from: TestDevice): Promise<string[]> {
  const envelopes: string[] = []
  for (let n = 0; n < MESSAGES; n++) envelopes.push((await from.messenger.encrypt('bob', `${n}`)).envelope)
  return envelopes
}

const found = (values: readonly { key: string; value: Uint8Array }[], secrets: readonly Uint8Array[]) =>
  values.filter(({ value }) => secrets.some((secret) => liesIn(value, secret))).map(({ key }) => key)

describe('a sending chain', () => {
  test('is in no value that was ever written: not its chain keys, not its message keys', async () => {
    const { store, values } = recorded()
    const alice = await world.device('alice', { store, ...OFF })
    const envelopes = await sendMany(alice)
    await alice.messenger.sweep()
    await alice.messenger.close()
    const { chainKeys, messageKeys } = await keysOf(envelopes[0]!)
    expect(values.some(({ key }) => key.startsWith('sent/'))).toBe(true)
    expect(found(values, [...chainKeys, ...messageKeys])).toEqual([])
    // They are the right keys: the last of them opens the last message.
    expect((await bob.messenger.decrypt(envelopes.at(-1)!)).text).toBe(`${MESSAGES - 1}`)
    const [late] = await bob.store.list('chain/')
    const { value } = (await bob.store.get(late!))!
    expect(found([{ key: 'late', value }], [messageKeys[0]!])).toEqual(['late'])
  })

  test('with the archive on: message keys are in it, and nowhere else; chain keys are nowhere', async () => {
    const { store, values } = recorded()
    const alice = await world.device('alice', { store })
    const envelopes = await sendMany(alice)
    const { chainKeys, messageKeys } = await keysOf(envelopes[0]!)
    const kept = found(values, messageKeys)
    expect(kept).toHaveLength(MESSAGES)
    expect(kept.every((key) => key.startsWith('archive/'))).toBe(true)
    expect(found(values, chainKeys)).toEqual([])
  })

  test('is not in a copy of the store: what the copy sends is under other keys', async () => {
    const alice = await world.device('alice', OFF)
    const before = await alice.messenger.encrypt('bob', 'before the copy')
    const store = memoryStore()
    for (const key of await alice.store.list('')) {
      const { value } = (await alice.store.get(key))!
      await store.commit({ expect: [{ key, version: null }], put: [{ key, value }] })
    }
    const keys = (await openDeviceKeys({ store, clock: world.clock }))!
    const clone = createMessenger({
      application: APPLICATION,
      me: keys,
      directory: world.directory.client(),
      store,
      clock: world.clock,
      ...OFF,
    })
    const envelopes = [before.envelope]
    for (let n = 0; n < MESSAGES / 2 - 1; n++) {
      envelopes.push((await alice.messenger.encrypt('bob', `original ${n}`)).envelope)
      envelopes.push((await clone.encrypt('bob', `copy ${n}`)).envelope)
    }
    const used = new Set<string>()
    for (const text of envelopes) {
      const envelope = decodeEnvelope(text)
      const { messageKeys } = await keysOf(text)
      used.add(toHex(messageKeys[envelope.n]!))
      await bob.messenger.decrypt(text)
    }
    expect(used.size).toBe(envelopes.length)
  })
})
