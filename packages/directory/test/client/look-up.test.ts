import { nodeBackend } from '@keyhaven/crypto/node'
import { generateDeviceKeys } from '@keyhaven/directory'
import { beforeEach, describe, expect, test } from 'vitest'
import { TestAuthority } from './test-authority.ts'
import { codeOf, newUser, registered, secondDevice, type TestUser } from './test-user.ts'

const DAY = 86_400

let authority: TestAuthority
let alice: TestUser
let bob: TestUser

beforeEach(async () => {
  authority = await TestAuthority.create()
  alice = await registered(authority, 'alice')
  bob = await registered(authority, 'bob')
})

describe('a look-up', () => {
  test('gives the keys of a user, proven', async () => {
    const found = await alice.client.lookUp('bob')
    expect(found).toMatchObject({ username: 'bob', chain: 0, sequence: 0, refused: [] })
    expect(found.devices).toHaveLength(1)
    expect(found.devices[0]).toMatchObject({
      device: bob.keys.device,
      name: "bob's laptop",
      profile: 'x25519',
      signingKey: { algorithm: 'EdDSA', jwk: bob.keys.signer.jwk },
      encryption: { jwk: bob.keys.encryptionKey },
    })
    expect(await alice.client.checkpoint()).toEqual(found.checkpoint)
  })

  test('asks only for what is new, and still knows the rest', async () => {
    await alice.client.lookUp('bob')
    await secondDevice(authority, bob)
    authority.alter = (path, reply, body) => {
      if (path.endsWith('look-up') && body.username === 'bob') expect(reply.entries).toHaveLength(1)
      return reply
    }
    expect((await alice.client.lookUp('bob')).devices).toHaveLength(2)
  })

  test('survives a restart of the client', async () => {
    await alice.client.lookUp('bob')
    const again = await newUser(authority, 'alice', { store: alice.store })
    again.client.use({ username: 'alice', ...alice.keys })
    expect((await again.client.lookUp('bob')).sequence).toBe(0)
  })

  test('of nobody is NOT_FOUND', async () => {
    expect(await codeOf(alice.client.lookUp('nobody'))).toBe('NOT_FOUND')
  })

  test('needs a device', async () => {
    const stranger = await newUser(authority, 'stranger')
    expect(await codeOf(stranger.client.lookUp('bob'))).toBe('UNAUTHENTICATED')
  })

  test('names devices that cannot be written to, and why', async () => {
    const phone = await secondDevice(authority, bob)
    await bob.client.revoke(phone.keys.device, 'lost')
    expect((await alice.client.lookUp('bob')).refused).toEqual([])
    authority.now += DAY + 1
    expect((await alice.client.lookUp('bob')).refused).toEqual([
      { device: phone.keys.device, code: 'DEVICE_REVOKED' },
    ])
    authority.now += 7 * DAY
    const later = await alice.client.lookUp('bob')
    expect(later.refused).toContainEqual({ device: bob.keys.device, code: 'KEY_EXPIRED' })
    expect(later.devices).toEqual([])
  })

  test('refuses profiles that the app does not accept', async () => {
    const strict = await registered(authority, 'strict', { profiles: ['x-wing'] })
    expect((await strict.client.lookUp('bob')).refused).toEqual([
      { device: bob.keys.device, code: 'SUITE_REFUSED' },
    ])
  })

  test('takes the newest encryption key statement, and none older than one seen', async () => {
    const publish = async () => {
      const { encryptionKey } = await generateDeviceKeys(nodeBackend, 'x25519')
      await bob.client.publishEncryptionKey(encryptionKey)
      return { encryptionKey, statement: authority.statements.get('bob')!.get(bob.keys.device)! }
    }
    const first = await publish()
    authority.now += DAY
    const second = await publish()
    const found = await alice.client.lookUp('bob')
    expect(found.devices[0]?.encryption.jwk).toEqual(second.encryptionKey)
    authority.statements.get('bob')!.set(bob.keys.device, first.statement)
    expect((await alice.client.lookUp('bob')).refused).toEqual([
      { device: bob.keys.device, code: 'DIRECTORY_STALE' },
    ])
  })

  test('a statement that was seen cannot be withheld while it counts, unless the device renewed', async () => {
    const { encryptionKey } = await generateDeviceKeys(nodeBackend, 'x25519')
    authority.now += DAY
    await bob.client.publishEncryptionKey(encryptionKey)
    await alice.client.lookUp('bob')
    const statement = authority.statements.get('bob')!.get(bob.keys.device)!
    authority.statements.get('bob')!.delete(bob.keys.device)
    const refused = async () => (await alice.client.lookUp('bob')).refused
    expect(await refused()).toEqual([{ device: bob.keys.device, code: 'DIRECTORY_STALE' }])
    // Also by an authority that is asked again and again, and where nothing is withheld any more.
    expect(await refused()).toEqual([{ device: bob.keys.device, code: 'DIRECTORY_STALE' }])
    authority.statements.get('bob')!.set(bob.keys.device, statement)
    expect(await refused()).toEqual([])
    authority.statements.get('bob')!.delete(bob.keys.device)
    authority.now += 7 * DAY
    expect(await refused()).toEqual([{ device: bob.keys.device, code: 'KEY_EXPIRED' }])

    const next = await generateDeviceKeys(nodeBackend, 'x25519')
    await bob.client.publishEncryptionKey(next.encryptionKey)
    expect(await refused()).toEqual([])
    const renewed = await generateDeviceKeys(nodeBackend, 'x25519', bob.keys.device)
    await bob.client.renew({ ...renewed, name: 'renewed' })
    authority.statements.get('bob')!.delete(bob.keys.device)
    const [device] = (await alice.client.lookUp('bob')).devices
    expect(device).toMatchObject({ encryption: { jwk: renewed.encryptionKey } })
  })

  test('a statement by another key takes only its device out', async () => {
    const phone = await secondDevice(authority, bob)
    const { encryptionKey } = await generateDeviceKeys(nodeBackend, 'x25519')
    await alice.client.publishEncryptionKey(encryptionKey)
    const foreign = authority.statements.get('alice')!.get(alice.keys.device)!
    authority.statements.set('bob', new Map([[phone.keys.device, foreign]]))
    const found = await alice.client.lookUp('bob')
    expect(found.refused).toEqual([{ device: phone.keys.device, code: 'RECORD_INVALID' }])
    expect(found.devices.map(({ device }) => device)).toEqual([bob.keys.device])
  })

  test('after a renewal a statement of the time before says nothing', async () => {
    const { encryptionKey } = await generateDeviceKeys(nodeBackend, 'x25519')
    await bob.client.publishEncryptionKey(encryptionKey)
    authority.now += DAY
    const next = await generateDeviceKeys(nodeBackend, 'x-wing', bob.keys.device)
    await bob.client.renew({ ...next, name: 'renewed' })
    const [device] = (await alice.client.lookUp('bob')).devices
    expect(device).toMatchObject({ profile: 'x-wing', encryption: { jwk: next.encryptionKey } })
  })

  test('a position that somebody signed must be in the chain', async () => {
    const { sequence, head } = await alice.client.lookUp('bob')
    expect(await codeOf(alice.client.lookUp('bob', { atLeast: { sequence, head } }))).toBe('accepted')
    const ahead = { sequence: sequence + 1, head }
    expect(await codeOf(alice.client.lookUp('bob', { atLeast: ahead }))).toBe('DIRECTORY_STALE')
    const other = { sequence, head: (await alice.client.lookUp('alice')).head }
    expect(await codeOf(alice.client.lookUp('bob', { atLeast: other }))).toBe('CHAIN_BROKEN')
  })

  test('every signing key ever recorded can be had, with its times', async () => {
    const next = await generateDeviceKeys(nodeBackend, 'x25519', bob.keys.device)
    authority.now += 10
    await bob.client.renew({ ...next, name: 'renewed' })
    await alice.client.lookUp('bob')
    const keys = await alice.client.recordedKeys('bob')
    expect(keys.map(({ signingKey }) => signingKey.jwk)).toEqual([bob.keys.signer.jwk, next.signer.jwk])
    expect(keys[0]?.supersededAt).toBe(authority.now)
    expect(keys[1]?.supersededAt).toBeUndefined()
  })
})

describe('a reset', () => {
  async function bobStartsAnew(): Promise<TestUser> {
    await authority.reset('bob')
    return registered(authority, 'bob')
  }

  test('stops everything until the user agrees to the new chain', async () => {
    await alice.client.lookUp('bob')
    const anew = await bobStartsAnew()
    expect(await codeOf(alice.client.lookUp('bob'))).toBe('CHAIN_RESET')
    expect(await codeOf(alice.client.lookUp('bob'))).toBe('CHAIN_RESET')
    expect(alice.events).toEqual([{ type: 'chain-reset', username: 'bob', chain: 1 }])
    const accepted = await alice.client.acceptReset('bob', 1)
    expect(accepted.devices.map(({ device }) => device)).toEqual([anew.keys.device])
    expect((await alice.client.lookUp('bob')).chain).toBe(1)
    const [old] = await alice.client.recordedKeys('bob')
    expect(old).toMatchObject({ chain: 0, revokedAt: authority.now })
  })

  test('agreed to is one reset, not the next one', async () => {
    await alice.client.lookUp('bob')
    await bobStartsAnew()
    await bobStartsAnew()
    expect(await codeOf(alice.client.acceptReset('bob', 1))).toBe('CONFLICT')
    await alice.client.acceptReset('bob', 2)
  })

  test('before the first look is no news', async () => {
    await bobStartsAnew()
    expect((await alice.client.lookUp('bob')).chain).toBe(1)
  })

  test('ends the devices of the user', async () => {
    await bobStartsAnew()
    expect(await codeOf(bob.client.lookUp('alice'))).toBe('DEVICE_REVOKED')
  })
})

test('with the witnesses that the app demands', async () => {
  const careful = await registered(authority, 'careful', { trust: authority.witnessed(2) })
  expect((await careful.client.lookUp('bob')).sequence).toBe(0)
  authority.cosigning = 1
  expect(await codeOf(careful.client.lookUp('bob'))).toBe('PROOF_INVALID')
})

test('a damaged store is not taken for an empty one', async () => {
  const store = new Map<string, string>()
  const memory = {
    get: (key: string) => store.get(key),
    set: (key: string, value: string) => void store.set(key, value),
  }
  const carol = await registered(authority, 'carol', { store: memory })
  for (const key of store.keys()) store.set(key, '{"v":1')
  expect(await codeOf(carol.client.lookUp('bob'))).toBe('RECORD_INVALID')
})

test('two look-ups at once remember the larger log', async () => {
  const [first] = await Promise.all([alice.client.lookUp('bob'), alice.client.lookUp('alice')])
  expect((await alice.client.checkpoint())!.size).toBeGreaterThanOrEqual(first.checkpoint.size)
})
