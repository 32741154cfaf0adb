import { createHash, createPublicKey, publicDecrypt } from 'node:crypto'
import { backend, fromBase64url } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { subjectPublicKeyInfo } from '../../src/chain/spki.ts'
import { decodeEntry, signLegacyProof } from '../../src/index.ts'
import type { Caller } from '../../src/service/index.ts'
import { codeOf } from '../kit/code-of.ts'
import { DAY, type TestChain } from '../kit/test-chain.ts'
import { TestDirectory } from '../kit/test-directory.ts'
import { newKeys } from '../kit/test-keys.ts'

let directory: TestDirectory
let alice: TestChain
let caller: Caller

beforeEach(async () => {
  directory = await TestDirectory.open()
  alice = await directory.chain()
  caller = await directory.signUp(alice, 'rsa1024-legacy')
})

function newestEntry() {
  const { entry } = decodeEntry(alice.entries.at(-1)!)
  if (entry.kind !== 'device') throw new Error('not a device entry')
  return entry
}

describe('seed 002, CA Key Info Renewal', () => {
  test('step 1: the client generates a new RSA key pair', async () => {
    const before = alice.state.devices[0]!.record.signingKey
    await alice.renew(caller.device)
    const after = alice.state.devices[0]!.record.signingKey
    expect(after.n).not.toBe(before.n)
    expect(fromBase64url(after.n as string)).toHaveLength(128)
    // A key that the chain has had is not new.
    const again = alice.renewal(caller.device, alice.devices.get(caller.device)!)
    expect(await codeOf(again.then((entry) => alice.add(entry)))).toBe('RECORD_INVALID')
  })

  test('step 2: the client computes the SHA-1 hash of the new public key', async () => {
    const keys = await newKeys('rsa1024-legacy')
    const spki = subjectPublicKeyInfo(keys.signer.jwk)
    // The same bytes that OpenSSL writes for the key, so anybody computes the same hash.
    const der = createPublicKey({ key: keys.signer.jwk, format: 'jwk' }).export({
      type: 'spki',
      format: 'der',
    })
    expect(Buffer.from(spki).equals(der)).toBe(true)
    const old = alice.devices.get(caller.device)!
    const signature = fromBase64url(await signLegacyProof(backend, old.legacyPrivate!, keys.signer.jwk))
    const signed = publicDecrypt(createPublicKey({ key: old.signer.jwk, format: 'jwk' }), signature)
    // DigestInfo of RFC 8017 §9.2: the algorithm SHA-1, then the hash.
    const sha1 = Buffer.from('3021300906052b0e03021a05000414', 'hex')
    expect(signed.equals(Buffer.concat([sha1, createHash('sha1').update(der).digest()]))).toBe(true)
  })

  test('step 3: the client signs the hash with its old private key', async () => {
    const old = alice.devices.get(caller.device)!
    const keys = await newKeys('rsa1024-legacy')
    const proof = fromBase64url(await signLegacyProof(backend, old.legacyPrivate!, keys.signer.jwk))
    const spki = subjectPublicKeyInfo(keys.signer.jwk)
    expect(await backend.legacyRsa.verifySha1(old.signer.jwk, proof, spki)).toBe(true)
    expect(await backend.legacyRsa.verifySha1(keys.signer.jwk, proof, spki)).toBe(false)
    const other = subjectPublicKeyInfo((await newKeys('rsa1024-legacy')).signer.jwk)
    expect(await backend.legacyRsa.verifySha1(old.signer.jwk, proof, other)).toBe(false)
  })

  test('step 4: it uploads the new public key, the signature and the expiration date', async () => {
    await alice.renew(caller.device)
    const accepted = await directory.send(alice, caller)
    expect(newestEntry().legacyProof).toHaveLength(171)
    expect(alice.state.devices[0]!.record.expires).toBe(directory.now + 90 * DAY)
    expect(accepted).toMatchObject({ sequence: 1, head: alice.state.head })
  })

  test('step 5: the CA computes the hash of the new public key: that of another key does not fit', async () => {
    const [keys, other] = [await newKeys('rsa1024-legacy'), await newKeys('rsa1024-legacy')]
    const old = alice.devices.get(caller.device)!
    const legacyProof = await signLegacyProof(backend, old.legacyPrivate!, other.signer.jwk)
    const entry = await alice.renewal(caller.device, keys, { legacyProof })
    expect(await codeOf(directory.service.register({ entry }, caller))).toBe('RECORD_INVALID')
    expect(directory.store.users.get('alice')?.sequence).toBe(0)
  })

  test('step 6: the CA verifies with the old public key that it is the client in the record', async () => {
    const [keys, stranger] = [await newKeys('rsa1024-legacy'), await newKeys('rsa1024-legacy')]
    const old = alice.devices.get(caller.device)!
    const wrong = [
      await signLegacyProof(backend, stranger.legacyPrivate!, keys.signer.jwk),
      await signLegacyProof(backend, keys.legacyPrivate!, keys.signer.jwk),
      'A'.repeat(171),
    ]
    for (const legacyProof of wrong) {
      const entry = await alice.renewal(caller.device, keys, { legacyProof })
      expect(await codeOf(directory.service.register({ entry }, caller))).toBe('RECORD_INVALID')
    }
    const fields = await alice.deviceFields(keys, caller.device)
    const without = await alice.sign(old.signer, fields)
    expect(await codeOf(directory.service.register({ entry: without }, caller))).toBe('RECORD_INVALID')
    // The right proof, in an entry that a stranger signed.
    const legacyProof = await signLegacyProof(backend, old.legacyPrivate!, keys.signer.jwk)
    const forged = await alice.sign(stranger.signer, { ...fields, legacyProof })
    expect(await codeOf(directory.service.register({ entry: forged }, caller))).toBe('CHAIN_BROKEN')
    expect(directory.store.users.get('alice')?.sequence).toBe(0)
  })

  test('step 7: the authority updates the key information if it is so', async () => {
    await alice.renew(caller.device)
    await directory.send(alice, caller)
    const { state } = await directory.service.user('alice')
    expect(state.devices[0]!.record).toEqual(alice.state.devices[0]!.record)
    expect(directory.store.audit.filter(({ action }) => action === 'directory.legacy')).toHaveLength(2)
  })

  test('step 8: the new key counts; the old one can still be looked up for what is under way', async () => {
    const old = alice.devices.get(caller.device)!
    await alice.renew(caller.device)
    await directory.send(alice, caller)
    const { state } = await directory.service.user('alice')
    expect(state.devices[0]!.earlier[0]!.signingKey).toEqual(old.signer.jwk)
    const fields = await alice.deviceFields(await newKeys('rsa1024-legacy'), caller.device)
    const entry = await alice.sign(old.signer, fields)
    expect(await codeOf(directory.service.register({ entry }, caller))).toBe('CHAIN_BROKEN')
  })
})

describe('leaving the legacy profile', () => {
  test('needs a fresh sign-up proof beside the old key', async () => {
    await alice.renew(caller.device, 'x-wing')
    expect(await codeOf(directory.send(alice, caller))).toBe('ACCESS_DENIED')
    expect(await codeOf(directory.send(alice, caller, await directory.token('bob')))).toBe('ACCESS_DENIED')
    await directory.send(alice, caller, await directory.token())
    const { state } = await directory.service.user('alice')
    expect(state.devices[0]!.record.profile).toBe('x-wing')
  })

  test('a legacy key approves, revokes and objects for nobody, and sets no recovery key', async () => {
    const signer = alice.signerOfDevice(caller.device)
    const approval = await alice.deviceFields(await newKeys(), 'A'.repeat(22))
    expect(await codeOf(alice.add(await alice.sign(signer, approval)))).toBe('SUITE_REFUSED')
    expect(await codeOf(alice.setRecovery(caller.device))).toBe('SUITE_REFUSED')
    const objection = { kind: 'objection', revocation: 'A'.repeat(43) }
    expect(await codeOf(alice.add(await alice.sign(signer, objection)))).toBe('SUITE_REFUSED')
    await alice.revoke(caller.device, caller.device)
    await directory.send(alice, caller)
  })

  test('is off unless switched on', async () => {
    const strict = await TestDirectory.open({ profiles: ['x-wing', 'x25519'] })
    expect(await codeOf(strict.signUp(await strict.chain(), 'rsa1024-legacy'))).toBe('SUITE_REFUSED')
    expect(await codeOf(strict.signUp(await strict.chain(), 'rsa3072'))).toBe('SUITE_REFUSED')
    expect(strict.store.users.size).toBe(0)
    expect(strict.log.leaves).toHaveLength(1)
  })
})

test('a renewal within the grace time after expiry, and none later', async () => {
  const bob = await directory.chain('bob')
  const phone = await directory.signUp(bob)
  directory.pass(90 * DAY + 29 * DAY, bob)
  await bob.renew(phone.device)
  await directory.send(bob, phone)
  directory.pass(90 * DAY + 30 * DAY, bob)
  await bob.renew(phone.device)
  expect(await codeOf(directory.send(bob, phone))).toBe('KEY_EXPIRED')
})
