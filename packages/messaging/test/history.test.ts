import { argon2id } from '@keyhaven/crypto/argon2id'
import { nodeBackend } from '@keyhaven/crypto/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { archiveName, encodeArchivedKey } from '../src/history/archive.ts'
import {
  generateRecoveryKey,
  type HistoryRecipient,
  recoveryKeyFromWords,
  unwrapWithPasskey,
  unwrapWithPassphrase,
  wrapWithPasskey,
  wrapWithPassphrase,
} from '../src/index.ts'
import { codeOf, createWorld, type TestDevice, type World } from './kit/people.ts'

let world: World
let alice: TestDevice
let bob: TestDevice

beforeEach(async () => {
  world = await createWorld()
  alice = await world.device('alice')
  bob = await world.device('bob')
})

async function batchesOf(from: TestDevice, to: HistoryRecipient): Promise<string[]> {
  const batches: string[] = []
  for await (const batch of from.messenger.history.batches(to)) {
    batches.push(batch.batch)
    await batch.done()
  }
  return batches
}

async function recipient(device: TestDevice): Promise<HistoryRecipient> {
  const { username, device: id } = device.keys
  const user = await world.directory.client().lookUp(username)
  return { device: user.devices.find(({ device }) => device === id)! }
}

async function talk(count: number): Promise<string[]> {
  const envelopes: string[] = []
  for (let n = 0; n < count; n++) {
    const { envelope } = await alice.messenger.encrypt('bob', `old ${n}`)
    await bob.messenger.decrypt(envelope)
    envelopes.push(envelope)
  }
  return envelopes
}

describe('history', () => {
  test.each(['x-wing', 'rsa3072'] as const)(
    'batches fit, however long the usernames are: %s',
    async (profile) => {
      const username = '😀'.repeat(128)
      const approver = await world.device(username, { profile })
      const tablet = await world.device(username, { approver, profile })
      const from = { username, device: approver.keys.device }
      for (let n = 0; n < 501; n++) {
        const messageKey = nodeBackend.randomBytes(32)
        const value = encodeArchivedKey({ from, aead: 'aes-256-gcm', messageKey, at: world.clock() })
        const key = archiveName('A'.repeat(22), n)
        await approver.store.commit({ expect: [{ key, version: null }], put: [{ key, value }] })
      }
      const batches = await batchesOf(approver, await recipient(tablet))
      // What the server takes.
      expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(256 * 1_024)
      let restored = 0
      for (const batch of batches) restored += await tablet.messenger.history.restore(batch)
      expect(restored).toBe(501)
    },
  )

  test('a new device reads what was sent before, after its approver hands the history over', async () => {
    const envelopes = await talk(3)
    const own = (await bob.messenger.encrypt('alice', 'my own')).envelope
    const tablet = await world.device('bob', { approver: bob })
    const failed = tablet.messenger.decryptArchived(envelopes[0]!)
    expect(await codeOf(failed)).toBe('HISTORY_UNAVAILABLE')
    expect(await codeOf(tablet.messenger.decrypt(envelopes[0]!))).toBe('HISTORY_UNAVAILABLE')
    const batches = await batchesOf(bob, await recipient(tablet))
    expect(await tablet.messenger.history.restore(batches[0]!)).toBe(4)
    expect(await tablet.messenger.history.restore(batches[0]!)).toBe(0)
    expect((await tablet.messenger.decryptArchived(envelopes[2]!)).text).toBe('old 2')
    expect((await tablet.messenger.decryptArchived(own)).text).toBe('my own')
    expect(await batchesOf(bob, await recipient(tablet))).toEqual([])
    await talk(1)
    expect(await batchesOf(bob, await recipient(tablet))).toHaveLength(1)
  })

  test('a message that is in the history already can still be read where it was sent to', async () => {
    const tablet = await world.device('bob', { approver: bob })
    const envelopes = await talk(2)
    const [batch] = await batchesOf(bob, await recipient(tablet))
    expect(await tablet.messenger.history.restore(batch!)).toBe(2)
    expect((await tablet.messenger.decrypt(envelopes[1]!)).text).toBe('old 1')
    expect(await codeOf(tablet.messenger.decrypt(envelopes[1]!))).toBe('DUPLICATE')
  })

  test('is read without the directory', async () => {
    const [envelope] = await talk(1)
    world.clock.advance(3_600)
    world.directory.failing.set('alice', 'RATE_LIMITED')
    expect((await bob.messenger.decryptArchived(envelope!)).text).toBe('old 0')
  })

  test('every profile can take it', async () => {
    await talk(2)
    const tablet = await world.device('bob', { approver: bob, profile: 'rsa3072' })
    const [batch] = await batchesOf(bob, await recipient(tablet))
    expect(await tablet.messenger.history.restore(batch!)).toBe(2)
  })

  test('a backup opens with the recovery key on a device that knows nothing else, after a reset', async () => {
    const envelopes = await talk(510)
    const key = await generateRecoveryKey()
    const batches = await batchesOf(bob, { backup: key.backupKey.publicKey })
    expect(batches).toHaveLength(2)
    world.clock.advance(10)
    await world.directory.reset('bob')
    const fresh = await world.device('bob')
    const { backupKey } = await recoveryKeyFromWords(key.words)
    for (const batch of batches) await fresh.messenger.history.restore(batch, backupKey)
    expect((await fresh.messenger.decryptArchived(envelopes[509]!)).text).toBe('old 509')
  })

  test.each([0, 30, 420])(
    'a backup from just before a reset is not lost to a clock that is %i s ahead',
    async (ahead) => {
      const envelopes = await talk(1)
      const key = await generateRecoveryKey()
      world.clock.advance(ahead)
      const [batch] = await batchesOf(bob, { backup: key.backupKey.publicKey })
      world.clock.advance(-ahead)
      await world.directory.reset('bob')
      const fresh = await world.device('bob')
      expect(await fresh.messenger.history.restore(batch!, key.backupKey)).toBe(1)
      expect((await fresh.messenger.decryptArchived(envelopes[0]!)).text).toBe('old 0')
    },
  )

  test('another backup key is given all of it, whoever had the one before', async () => {
    await talk(2)
    const [first, second] = [await generateRecoveryKey(), await generateRecoveryKey()]
    expect(await batchesOf(bob, { backup: first.backupKey.publicKey })).toHaveLength(1)
    expect(await batchesOf(bob, { backup: first.backupKey.publicKey })).toEqual([])
    expect(await batchesOf(bob, { backup: second.backupKey.publicKey })).toHaveLength(1)
  })

  test('refuses batches of others, of revoked devices, changed ones, and the wrong key', async () => {
    await talk(1)
    const key = await generateRecoveryKey()
    const backup = { backup: key.backupKey.publicKey }
    const [batch] = await batchesOf(bob, backup)
    const [foreign] = await batchesOf(alice, backup)
    expect(await codeOf(bob.messenger.history.restore(foreign!, key.backupKey))).toBe('SIGNATURE_INVALID')
    expect(await codeOf(bob.messenger.history.restore(batch!))).toBe('SIGNATURE_INVALID')
    const other = await generateRecoveryKey()
    expect(await codeOf(bob.messenger.history.restore(batch!, other.backupKey))).toBe('OPEN_FAILED')
    const [head, body, signature] = batch!.split('.') as [string, string, string]
    const payload = JSON.parse(Buffer.from(body, 'base64url').toString())
    payload.issued += 1
    const changed = `${head}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.${signature}`
    expect(await codeOf(bob.messenger.history.restore(changed, key.backupKey))).toBe('SIGNATURE_INVALID')
    const stolen = await world.device('bob', { approver: bob })
    const revoked = await batchesOf(stolen, backup)
    expect(revoked).toEqual([])
    world.clock.advance(61)
    const { envelope } = await alice.messenger.encrypt('bob', 'x')
    await stolen.messenger.decrypt(envelope)
    world.clock.advance(421)
    const [late] = await batchesOf(stolen, backup)
    world.clock.advance(-421)
    await world.directory.revokeByOperator('bob', stolen.keys.device)
    expect(await codeOf(bob.messenger.history.restore(late!, key.backupKey))).toBe('DEVICE_REVOKED')
    const carol = await world.device('carol')
    expect(await codeOf(batchesOf(bob, await recipient(carol)))).toBe('ACCESS_DENIED')
  })

  test('can be switched off and erased', async () => {
    const envelopes = await talk(1)
    bob.messenger.history.setArchive(false)
    const { envelope } = await alice.messenger.encrypt('bob', 'not kept')
    await bob.messenger.decrypt(envelope)
    expect(await codeOf(bob.messenger.decryptArchived(envelope))).toBe('HISTORY_UNAVAILABLE')
    expect((await bob.messenger.decryptArchived(envelopes[0]!)).text).toBe('old 0')
    await bob.messenger.history.erase()
    expect(await codeOf(bob.messenger.decryptArchived(envelopes[0]!))).toBe('HISTORY_UNAVAILABLE')
    expect(await bob.store.list('archive/')).toEqual([])
  })
})

describe('the recovery key', () => {
  const owner = { application: 'demo', username: 'bob' }
  const publicOf = async (key: Awaited<ReturnType<typeof generateRecoveryKey>>) => [
    key.signingKey.publicKey.jwk,
    Buffer.from(key.backupKey.publicKey.bytes).toString('hex'),
  ]

  test('comes back from its 24 words, however they are written', async () => {
    const key = await generateRecoveryKey()
    expect(key.words.split(' ')).toHaveLength(24)
    const again = await recoveryKeyFromWords(`  ${key.words.toUpperCase().replaceAll(' ', '\n ')} `)
    expect(await publicOf(again)).toEqual(await publicOf(key))
    const signature = await nodeBackend.signatures.sign(again.signingKey, new Uint8Array(3))
    expect(await nodeBackend.signatures.verify(key.signingKey.publicKey, signature, new Uint8Array(3))).toBe(
      true,
    )
    const words = key.words.split(' ')
    const swapped = [words[1], words[0], ...words.slice(2)].join(' ')
    if (words[0] !== words[1])
      expect(await codeOf((async () => recoveryKeyFromWords(swapped))())).toBe('INPUT_INVALID')
    expect(await codeOf((async () => recoveryKeyFromWords('abandon'))())).toBe('INPUT_INVALID')
  })

  test('is derived as written down', async () => {
    const words = `${'abandon '.repeat(23)}art`
    const key = await recoveryKeyFromWords(words)
    const secret = nodeBackend.hkdfExtract(
      new TextEncoder().encode('keyhaven recovery v1'),
      new Uint8Array(32),
    )
    const seed = await nodeBackend.hkdfExpand(await secret, new TextEncoder().encode('x-wing backup key'), 32)
    const expected = await nodeBackend.kem.importPrivateKey('x-wing', seed)
    expect(key.backupKey.publicKey.bytes).toEqual(expected.publicKey.bytes)
    expect(key.words).toBe(words)
  })

  test('comes back from a passphrase, and from nothing else', async () => {
    const key = await generateRecoveryKey()
    const wrapped = await wrapWithPassphrase(key, 'correct horse battery', owner, argon2id)
    const again = await unwrapWithPassphrase(wrapped, 'correct horse battery', owner, argon2id)
    expect(again.words).toBe(key.words)
    const tries = [
      unwrapWithPassphrase(wrapped, 'correct horse batterY', owner, argon2id),
      unwrapWithPassphrase(wrapped, 'correct horse battery', { ...owner, username: 'eve' }, argon2id),
      wrapWithPassphrase(key, 'too short', owner, argon2id),
    ]
    for (const one of tries) expect(await codeOf(one)).toBe('INPUT_INVALID')
    const cheap = JSON.stringify({ ...JSON.parse(wrapped), memoryKiB: 64 })
    expect(await codeOf(unwrapWithPassphrase(cheap, 'correct horse battery', owner, argon2id))).toBe(
      'WIRE_MALFORMED',
    )
  })

  test("comes back from a passkey's PRF", async () => {
    const key = await generateRecoveryKey()
    const prf = () => new Uint8Array(32).fill(7)
    const wrapped = await wrapWithPasskey(key, prf(), owner)
    expect((await unwrapWithPasskey(wrapped, prf(), owner)).words).toBe(key.words)
    expect(await codeOf(unwrapWithPasskey(wrapped, new Uint8Array(32), owner))).toBe('INPUT_INVALID')
    expect(await codeOf(unwrapWithPasskey('{}', prf(), owner))).toBe('WIRE_MALFORMED')
  })
})
