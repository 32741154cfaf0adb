import { kemPublicKeyToJwk } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import {
  createDirectoryClient,
  createMemoryDirectoryStore,
  type DirectoryClient,
  type GeneratedDeviceKeys,
  generateDeviceKeys,
  type ProfileName,
  signerOf,
  signLegacyProof,
} from '@keyhaven/directory'
import { beforeEach, expect, test } from 'vitest'
import { RealService } from './real-service.ts'
import { codeOf } from './test-user.ts'

const DAY = 86_400

let server: RealService

beforeEach(async () => {
  server = await RealService.create()
})

interface Person {
  readonly username: string
  readonly keys: GeneratedDeviceKeys
  readonly client: DirectoryClient
}

async function person(username: string, profile: ProfileName = 'x25519'): Promise<Person> {
  const keys = await generateDeviceKeys(nodeBackend, profile)
  const client = createDirectoryClient({
    fetch: server.fetch,
    application: 'demo',
    trust: server.trust,
    store: createMemoryDirectoryStore(),
    clock: () => server.now * 1_000,
    backend: nodeBackend,
  })
  return { username, keys, client }
}

async function signedUp(username: string, profile?: ProfileName): Promise<Person> {
  const one = await person(username, profile)
  await one.client.register(username, { ...one.keys, name: 'laptop' }, await server.token(username))
  return one
}

async function phoneOf(owner: Person): Promise<Person> {
  const phone = await person(owner.username)
  const request = await phone.client.requestDevice(owner.username, { ...phone.keys, name: 'phone' })
  await owner.client.approve(request)
  phone.client.use({ username: owner.username, ...phone.keys })
  return phone
}

test('two users sign up and look each other up', async () => {
  const alice = await signedUp('alice', 'x-wing')
  const bob = await signedUp('bob', 'rsa3072')
  expect((await alice.client.lookUp('bob')).devices).toMatchObject([{ device: bob.keys.device }])
  expect((await bob.client.lookUp('alice')).devices).toMatchObject([{ device: alice.keys.device }])
  expect(await codeOf(alice.client.lookUp('nobody'))).toBe('NOT_FOUND')
})

test('a used token registers nobody', async () => {
  const token = await server.token('alice')
  const alice = await person('alice')
  await alice.client.register('alice', { ...alice.keys, name: 'laptop' }, token)
  const mallory = await person('alice')
  const call = mallory.client.register('alice', { ...mallory.keys, name: 'laptop' }, token)
  expect(await codeOf(call)).not.toBe('accepted')
})

test('second device, statement, renewal, revocation, objection, recovery, monitor', async () => {
  const alice = await signedUp('alice')
  const bob = await signedUp('bob')
  const phone = await phoneOf(alice)
  server.now += DAY
  const later = await generateDeviceKeys(nodeBackend, 'x25519')
  await phone.client.publishEncryptionKey(later.encryptionKey)
  const seen = await bob.client.lookUp('alice')
  expect(seen.devices.find(({ device }) => device === phone.keys.device)?.encryption.jwk).toEqual(
    later.encryptionKey,
  )
  const next = await generateDeviceKeys(nodeBackend, 'x-wing', alice.keys.device)
  await alice.client.renew({ ...next, name: 'laptop' })
  expect((await bob.client.lookUp('alice')).devices[0]).toMatchObject({ profile: 'x-wing' })
  const { entry } = await alice.client.revoke(phone.keys.device, 'lost')
  await phone.client.object(entry)
  const recovery = await nodeBackend.signatures.generateKeyPair('EdDSA')
  const backup = await nodeBackend.kem.generateKeyPair('x25519')
  const backupKey = kemPublicKeyToJwk(backup.publicKey)
  await alice.client.setRecovery({ signingKey: recovery.publicKey.jwk, backupKey })
  server.now += DAY + 1
  // As if the thief had used up what unsigned calls share.
  server.exhausted.add('recovery')
  await alice.client.revoke(phone.keys.device, 'stolen', signerOf(nodeBackend, recovery))
  expect((await bob.client.lookUp('alice')).refused).toEqual([
    { device: phone.keys.device, code: 'DEVICE_REVOKED' },
  ])
  const report = await alice.client.monitor()
  expect(report).toMatchObject({ size: server.log.leaves.length, hidden: [], withheld: [] })
  expect(report.unseen.map(({ kind }) => kind)).toEqual(['objection', 'revocation'])
})

test('devices that change the chain at the same time all get through', async () => {
  const alice = await signedUp('alice')
  const phone = await phoneOf(alice)
  const renewals = [alice, phone].map(async ({ keys, client }) => {
    const next = await generateDeviceKeys(nodeBackend, 'x25519', keys.device)
    return client.renew({ ...next, name: 'renewed' })
  })
  const sequences = (await Promise.all(renewals)).map(({ sequence }) => sequence)
  expect(sequences.sort()).toEqual([2, 3])
})

test('an expired device renews within its time of grace', async () => {
  const alice = await signedUp('alice')
  server.now += 95 * DAY
  expect(await codeOf(alice.client.lookUp('alice'))).toBe('KEY_EXPIRED')
  const next = await generateDeviceKeys(nodeBackend, 'x25519', alice.keys.device)
  await alice.client.renew({ ...next, name: 'laptop' })
  expect((await alice.client.lookUp('alice')).devices).toHaveLength(1)
})

test('an expired device renews on top of what it has not seen', async () => {
  const alice = await signedUp('alice')
  const phone = await phoneOf(alice)
  server.now += 60 * DAY
  const renewed = await generateDeviceKeys(nodeBackend, 'x25519', phone.keys.device)
  await phone.client.renew({ ...renewed, name: 'phone' })
  server.now += 35 * DAY
  const next = await generateDeviceKeys(nodeBackend, 'x25519', alice.keys.device)
  expect(await alice.client.renew({ ...next, name: 'laptop' })).toMatchObject({ sequence: 3 })
})

test('a reset starts a new chain, and contacts are asked', async () => {
  await signedUp('alice')
  const bob = await signedUp('bob')
  await bob.client.lookUp('alice')
  await server.service.reset({ username: 'alice', reason: 'lost all' }, 'token:admin')
  const anew = await signedUp('alice')
  expect(await anew.client.ownChain()).toMatchObject({ chain: 1, sequence: 2 })
  expect(await codeOf(bob.client.lookUp('alice'))).toBe('CHAIN_RESET')
  expect((await bob.client.acceptReset('alice', 1)).devices).toHaveLength(1)
})

test('leaving the legacy profile takes the old key and a fresh sign-up', async () => {
  const alice = await signedUp('alice', 'rsa1024-legacy')
  const next = await generateDeviceKeys(nodeBackend, 'x-wing', alice.keys.device)
  const { decryptionKey } = alice.keys
  if (!('rsa' in decryptionKey)) throw new TypeError('the legacy profile has one RSA key')
  const legacyProof = await signLegacyProof(nodeBackend, decryptionKey.rsa, next.signer.jwk)
  const device = { ...next, name: 'laptop' }
  expect(await codeOf(alice.client.renew(device, { legacyProof }))).not.toBe('accepted')
  await alice.client.renew(device, { legacyProof, signUp: await server.token('alice') })
  expect((await alice.client.lookUp('alice')).devices).toMatchObject([{ profile: 'x-wing' }])
})
