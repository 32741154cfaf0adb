import { beforeEach, describe, expect, test } from 'vitest'
import { createDeviceKeys, memoryStore, openDeviceKeys } from '../src/index.ts'
import { codeOf, createWorld, type TestDevice, type World } from './kit/people.ts'

let world: World
let alice: TestDevice

beforeEach(async () => {
  world = await createWorld()
  alice = await world.device('alice')
})

const DAY_SECONDS = 86_400

describe('the keys of a device', () => {
  test('come back from the store', async () => {
    const { store, clock } = { store: alice.store, clock: world.clock }
    const again = (await openDeviceKeys({ store, clock }))!
    expect(again.entry).toBe(alice.keys.entry)
    expect(again.signingKey.jwk).toEqual(alice.keys.signingKey.jwk)
    expect(again.encryptionKey.thumbprint).toBe(alice.keys.encryptionKey.thumbprint)
    expect(await openDeviceKeys({ store: memoryStore() })).toBeUndefined()
    const options = { application: 'demo', username: 'alice', store, clock }
    expect(await codeOf(createDeviceKeys(options))).toBe('CONFLICT')
  })

  test('for a renewal stay the same until the directory has them, over a crash too', async () => {
    const first = await alice.keys.prepareRenewal()
    const again = (await openDeviceKeys({ store: alice.store, clock: world.clock }))!
    const second = await again.prepareRenewal()
    expect(second.signingKey.jwk).toEqual(first.signingKey.jwk)
    expect(again.signingKey.jwk).toEqual(alice.keys.signingKey.jwk)
    await world.directory.record(again)
    expect(again.signingKey.jwk).toEqual(first.signingKey.jwk)
    await alice.keys.reload()
    expect(alice.keys.entry).toBe(again.entry)
  })

  test('another process that renewed is noticed before sending', async () => {
    await world.device('bob')
    const again = (await openDeviceKeys({ store: alice.store, clock: world.clock }))!
    await world.directory.record(again)
    expect(await codeOf(alice.messenger.encrypt('bob', 'hello'))).toBe('resolved')
    expect(alice.keys.entry).toBe(again.entry)
  })

  test('an encryption key rotates in the middle of its week, once', async () => {
    const { thumbprint } = alice.keys.encryptionKey
    expect(await alice.keys.rotateEncryptionKey()).toBeUndefined()
    world.clock.advance(4 * DAY_SECONDS)
    const again = (await openDeviceKeys({ store: alice.store, clock: world.clock }))!
    const next = await alice.keys.rotateEncryptionKey()
    expect(next?.thumbprint).not.toBe(thumbprint)
    expect(next!.expires - next!.notBefore).toBe(7 * DAY_SECONDS)
    expect(await alice.keys.rotateEncryptionKey()).toBeUndefined()
    expect(await alice.keys.findEncryptionKey(thumbprint)).toBeDefined()
    // Two processes: the later one replaces the key again, and none is lost.
    await again.rotateEncryptionKey({ now: true })
    for (const key of [thumbprint, next!.thumbprint]) expect(await again.findEncryptionKey(key)).toBeDefined()
  })

  test('RSA profiles keep the key of their record', async () => {
    const old = await world.device('old', { profile: 'rsa3072' })
    expect(await old.keys.rotateEncryptionKey({ now: true })).toBeUndefined()
    expect(old.keys.encryptionKey.expires - old.keys.encryptionKey.notBefore).toBe(90 * DAY_SECONDS)
    expect(old.keys.requestKey.publicKey.jwk.crv).toBe('Ed25519')
  })

  test('sweeping ends old sessions, whose ids stay refused, and forgets old addressees', async () => {
    const bob = await world.device('bob')
    const { envelope, session } = await alice.messenger.encrypt('bob', 'hello')
    await bob.messenger.decrypt(envelope)
    world.clock.advance(36 * DAY_SECONDS)
    await bob.messenger.sweep()
    await alice.messenger.sweep()
    expect(await bob.store.list('session/')).toEqual([])
    expect(await bob.store.list('chain/')).toEqual([])
    expect(await bob.store.list('ended/')).toEqual([`ended/${session}`])
    expect(await alice.store.list('sent/')).toEqual([])
    expect(await codeOf(bob.messenger.decrypt(envelope))).toBe('SESSION_UNKNOWN')
  })
})
