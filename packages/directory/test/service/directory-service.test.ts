import { backend, fromBase64url, kemPublicKeyToJwk, utf8 } from '@keyhaven/crypto'
import { vrfVerify } from '@keyhaven/crypto/vrf'
import { beforeEach, describe, expect, test } from 'vitest'
import { foldChain, signEncryptionKeyStatement, verifyAcceptance } from '../../src/index.ts'
import {
  decodeLeaf,
  encodeLeaf,
  entryCommitment,
  labelInput,
  leafHash,
  parseCheckpoint,
  parseNote,
  verifyConsistency,
  verifyInclusion,
} from '../../src/log/index.ts'
import type { Caller, SignUpProof } from '../../src/service/index.ts'
import { codeOf } from '../kit/code-of.ts'
import { APPLICATION, DAY, type TestChain } from '../kit/test-chain.ts'
import { TestDirectory } from '../kit/test-directory.ts'
import { newKeys } from '../kit/test-keys.ts'

let directory: TestDirectory
let alice: TestChain
let phone: Caller

beforeEach(async () => {
  directory = await TestDirectory.open()
  alice = await directory.chain()
  phone = await directory.signUp(alice)
})

describe('sign-up', () => {
  test('a token admits its user once, before it expires, with its profile', async () => {
    const bob = await directory.chain('bob')
    await bob.first()
    const entry = bob.entries[0]!
    const send = (signUp: { token: string }) =>
      codeOf(directory.service.register({ entry, signUp }, undefined))
    expect(await send({ token: 'khs_invented' })).toBe('ACCESS_DENIED')
    expect(await send((await directory.token('carol')) as { token: string })).toBe('ACCESS_DENIED')
    expect(await send((await directory.token('bob', 'x-wing')) as { token: string })).toBe('ACCESS_DENIED')
    const { token } = (await directory.token('bob')) as { token: string }
    directory.now += 7 * DAY
    expect(await send({ token })).toBe('ACCESS_DENIED')
    directory.now -= 7 * DAY
    expect(await send({ token })).toBe('accepted')
    expect(await send({ token })).toBe('ACCESS_DENIED')
    expect(JSON.stringify([...directory.store.tokens.values()])).not.toContain(token)
  })

  test('a first device without a proof is refused, and learns nothing of the user', async () => {
    await alice.approve(phone.device)
    const entry = alice.entries.at(-1)!
    expect(await codeOf(directory.service.register({ entry }, undefined))).toBe('UNAUTHENTICATED')
    const signUp = { token: 'khs_invented' }
    expect(await codeOf(directory.service.register({ entry, signUp }, undefined))).toBe('ACCESS_DENIED')
  })

  test('a proof starts a first chain only, never a second device', async () => {
    const thief = await directory.chain()
    await thief.first()
    const signUp = await directory.token()
    const attempt = directory.service.register({ entry: thief.entries[0]!, signUp }, undefined)
    await expect(attempt).rejects.toMatchObject({ code: 'CONFLICT', sequence: 0, head: alice.state.head })
    expect([...directory.store.tokens.values()].at(-1)!.usedAt).toBeNull()
  })

  test('an id token is for this key and this user, and its issuer stays', async () => {
    const bob = await directory.chain('bob')
    await bob.first()
    const entry = bob.entries[0]!
    const send = async (claims: object) =>
      codeOf(directory.service.register({ entry, signUp: await directory.idToken(bob, claims) }, undefined))
    expect(await send({ nonce: undefined })).toBe('ACCESS_DENIED')
    expect(await send({ nonce: 'A'.repeat(43) })).toBe('ACCESS_DENIED')
    expect(await send({ subject: 'carol' })).toBe('ACCESS_DENIED')
    expect(await send({})).toBe('accepted')
    expect(directory.store.users.get('bob')?.signUp).toBe('oidc:https://issuer')
    await directory.service.reset({ username: 'bob', reason: 'lost' }, 'token:admin')
    await bob.reset()
    await bob.first()
    const elsewhere = await directory.idToken(bob, { issuer: 'https://other' })
    const next = { entry: bob.entries.at(-1)!, signUp: elsewhere }
    await expect(directory.service.register(next, undefined)).rejects.toThrow('signed up elsewhere')
  })

  test('a token from before a reset admits nobody after it', async () => {
    const old = await directory.token()
    directory.pass(60, alice)
    await directory.service.reset({ username: 'alice', reason: 'all stolen' }, 'token:admin')
    await alice.reset()
    await alice.first()
    const entry = alice.entries.at(-1)!
    const send = (signUp: SignUpProof) => codeOf(directory.service.register({ entry, signUp }, undefined))
    expect(await send(old)).toBe('ACCESS_DENIED')
    expect([...directory.store.tokens.values()].at(-1)!.usedAt).toBeNull()
    // Signed on top of the test's own reset, not the authority's: past the proof.
    expect(await send(await directory.token())).toBe('CONFLICT')
  })

  test('a device id of another user is taken', async () => {
    const bob = await directory.chain('bob')
    await bob.first('x25519', phone.device)
    const input = { entry: bob.entries[0]!, signUp: await directory.token('bob') }
    expect(await codeOf(directory.service.register(input, undefined))).toBe('CONFLICT')
  })
})

describe('who sends', () => {
  test('the signer of the entry, and nobody in its place', async () => {
    const laptop = await alice.approve(phone.device)
    await directory.send(alice, phone)
    await alice.renew(laptop)
    expect(await codeOf(directory.send(alice, phone))).toBe('ACCESS_DENIED')
    await directory.send(alice, { username: 'alice', device: laptop })
    await alice.revoke(laptop, phone.device)
    expect(await codeOf(directory.send(alice, phone))).toBe('ACCESS_DENIED')
  })

  test('another user, an unknown device, a revoked one', async () => {
    const bob = await directory.signUp(await directory.chain('bob'))
    const laptop = await alice.approve(phone.device)
    expect(await codeOf(directory.send(alice, bob))).toBe('ACCESS_DENIED')
    const unknown = { username: 'alice', device: 'A'.repeat(22) }
    expect(await codeOf(directory.send(alice, unknown))).toBe('UNAUTHENTICATED')
    await directory.send(alice, phone)
    const input = { username: 'alice', device: laptop, reason: 'stolen' }
    await directory.service.revokeByOperator(input, 'token:admin')
    const stolen = { username: 'alice', device: laptop }
    expect(await codeOf(directory.service.lookUp({ username: 'bob' }, stolen))).toBe('DEVICE_REVOKED')
    expect((await directory.service.findDevice(laptop))?.device.status).toBe('revoked')
    expect(directory.store.audit.at(-1)).toMatchObject({ action: 'directory.revoke' })
  })

  test('an unsigned request shows itself by the recovery key, or learns nothing', async () => {
    const { key } = await alice.setRecovery(phone.device)
    await directory.send(alice, phone)
    const laptop = await alice.approve(phone.device)
    await directory.send(alice, phone)
    const byDevice = await alice.revocation(phone.device, laptop)
    expect(await codeOf(directory.service.append({ entry: byDevice }, undefined))).toBe('ACCESS_DENIED')
    const nobody = await directory.chain('nobody')
    await nobody.first()
    const unknown = await nobody.revocation([...nobody.devices.keys()][0]!, laptop)
    expect(await codeOf(directory.service.append({ entry: unknown }, undefined))).toBe('ACCESS_DENIED')
    await alice.revokeWith(key, laptop)
    await directory.send(alice, undefined)
    expect((await directory.service.findDevice(laptop))?.device.status).toBe('revoked')
  })

  test('an entry dated more than five minutes off, or after its signer has expired', async () => {
    alice.now = directory.now + 301
    await alice.renew(phone.device)
    expect(await codeOf(directory.send(alice, phone))).toBe('CLOCK_SKEW')
    directory.now += 301
    await directory.send(alice, phone)
    directory.pass(90 * DAY - 1, alice)
    await alice.approve(phone.device)
    directory.now += 2
    expect(await codeOf(directory.send(alice, phone))).toBe('KEY_EXPIRED')
  })

  test('an objection that is dated in time but comes too late', async () => {
    const laptop = await alice.approve(phone.device)
    await directory.send(alice, phone)
    const hash = await alice.revoke(phone.device, laptop)
    await directory.send(alice, phone)
    directory.pass(DAY - 1, alice)
    await alice.object(phone.device, hash)
    directory.now += 2
    expect(await codeOf(directory.send(alice, phone))).toBe('CHAIN_BROKEN')
  })
})

describe('operators', () => {
  test('reset: a new chain that names the old one, with a sign-up proof', async () => {
    await directory.service.reset({ username: 'alice', reason: 'lost all devices' }, 'token:admin')
    const again = directory.service.reset({ username: 'alice', reason: 'again' }, 'token:admin')
    expect(await codeOf(again)).toBe('CONFLICT')
    expect(await codeOf(directory.service.lookUp({ username: 'alice' }, phone))).toBe('DEVICE_REVOKED')
    const entries = (await directory.service.user('alice')).entries.map(({ entry }) => entry)
    const fresh = await directory.chain()
    for (const entry of entries) await fresh.add(entry)
    const device = await fresh.first()
    await directory.send(fresh, undefined, await directory.token())
    const { state, user } = await directory.service.user('alice')
    expect(user).toMatchObject({ chain: 1, sequence: 2 })
    expect(state.devices.map((one) => one.device)).toEqual([device])
    expect(directory.store.devices.get(phone.device)?.endedAt).toBe(directory.now)
  })

  test('unknown users and devices, no reason', async () => {
    const { service } = directory
    expect(await codeOf(service.reset({ username: 'nobody', reason: 'x' }, 'a'))).toBe('NOT_FOUND')
    const unknown = { username: 'alice', device: 'A'.repeat(22), reason: 'x' }
    expect(await codeOf(service.revokeByOperator(unknown, 'a'))).toBe('NOT_FOUND')
    await expect(async () => service.reset({ username: 'alice', reason: '' }, 'a')).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    })
  })
})

describe('look-up', () => {
  test('gives all that a client verifies', async () => {
    await alice.approve(phone.device, 'x-wing')
    await directory.send(alice, phone)
    const answer = await directory.service.lookUp({ username: 'alice' }, phone)
    const { size, root } = parseCheckpoint(parseNote(answer.checkpoint).text)
    const label = vrfVerify(directory.vrfKey, labelInput(APPLICATION, 'alice'), fromBase64url(answer.label))!
    for (const { entry, opening, index, proof, acceptance } of answer.entries) {
      const commitment = await entryCommitment(backend, fromBase64url(opening), utf8(entry))
      const hash = await leafHash(backend, encodeLeaf({ kind: 'entry', label, commitment }))
      await verifyInclusion(backend, { leafHash: hash, index, size, root, proof: proof.map(fromBase64url) })
      const digest = Buffer.from(await backend.sha256(utf8(entry))).toString('base64url')
      const of = { application: APPLICATION, username: 'alice', entry: digest }
      await verifyAcceptance(backend, directory.authority.publicKey, acceptance, of)
    }
    const state = await foldChain(
      backend,
      answer.entries.map(({ entry }) => entry),
      alice.expected,
    )
    expect(state.head).toBe(alice.state.head)
    expect(decodeLeaf(fromBase64url(answer.parametersProof!.leaf))).toMatchObject({
      application: APPLICATION,
    })
  })

  test('from what a client knew: later entries, and that the log only grew', async () => {
    const first = await directory.service.lookUp({ username: 'alice' }, phone)
    await alice.approve(phone.device)
    await directory.send(alice, phone)
    const known = await directory.service.lookUp({ username: 'alice', after: 0, logSize: 2 }, phone)
    expect(known.entries.map(({ entry }) => entry)).toEqual([alice.entries[1]])
    expect(known.parametersProof).toBeUndefined()
    const [one, two] = [first, known].map(({ checkpoint }) => parseCheckpoint(parseNote(checkpoint).text))
    const sizes = { size1: one!.size, root1: one!.root, size2: two!.size, root2: two!.root }
    await verifyConsistency(backend, { ...sizes, proof: known.consistency!.map(fromBase64url) })
    const ahead = await directory.service.lookUp({ username: 'alice', after: 9, logSize: 99 }, phone)
    expect(ahead).toMatchObject({ entries: [], sequence: 1 })
    expect(ahead.consistency).toBeUndefined()
  })

  test('unknown names count, and there is a limit', async () => {
    const lookUp = (username: string) => codeOf(directory.service.lookUp({ username }, phone))
    expect(await lookUp('nobody')).toBe('NOT_FOUND')
    expect(await lookUp(' alice')).toBe('NOT_FOUND')
    expect(directory.turns.filter((turn) => turn === `look-up ${phone.device}`)).toHaveLength(2)
    directory.exhausted.add('look-up')
    expect(await lookUp('alice')).toBe('RATE_LIMITED')
  })

  test('over the limit, whoever shares a conversation is found: up to a limit of its own', async () => {
    const lookUp = (username: string) => codeOf(directory.service.lookUp({ username }, phone))
    directory.known.add('alice alice')
    expect(await lookUp('alice')).toBe('accepted')
    expect(directory.turns.at(-1)).toBe(`look-up ${phone.device}`)
    directory.exhausted.add('look-up')
    expect(await lookUp('alice')).toBe('accepted')
    expect(directory.turns.at(-1)).toBe(`look-up-known ${phone.device}`)
    // Neither who is there nor who is not: the answer must not tell them apart.
    expect(await lookUp('nobody')).toBe('RATE_LIMITED')
    directory.known.clear()
    expect(await lookUp('alice')).toBe('RATE_LIMITED')
    directory.known.add('alice alice')
    directory.exhausted.add('look-up-known')
    expect(await lookUp('alice')).toBe('RATE_LIMITED')
  })

  test('each device has turns of its own, so that a stolen one cannot use up those of the others', async () => {
    const laptop = await alice.approve(phone.device)
    await directory.send(alice, phone)
    await directory.service.lookUp({ username: 'alice' }, { username: 'alice', device: laptop })
    await alice.revoke(phone.device, laptop)
    await directory.send(alice, phone)
    const of = (device: string) => directory.turns.filter((turn) => turn.endsWith(` ${device}`))
    expect(of(laptop)).toEqual([`look-up ${laptop}`])
    expect(of(phone.device)).toEqual([`append ${phone.device}`, `append ${phone.device}`])
  })

  test('the newest encryption keys, none of a renewed or revoked device', async () => {
    const publish = async (notBefore: number) => {
      const { publicKey } = await backend.kem.generateKeyPair('x25519')
      const statement = await signEncryptionKeyStatement(backend, alice.signerOfDevice(phone.device), {
        application: APPLICATION,
        username: 'alice',
        device: phone.device,
        entry: alice.state.devices[0]!.record.entry,
        key: kemPublicKeyToJwk(publicKey),
        notBefore,
        expires: notBefore + 7 * DAY,
      })
      await directory.service.publishEncryptionKey({ statement }, phone)
      return statement
    }
    await publish(directory.now)
    const second = await publish(directory.now + 10)
    expect(await codeOf(publish(directory.now + 5))).toBe('CONFLICT')
    const keys = async () => (await directory.service.lookUp({ username: 'alice' }, phone)).encryptionKeys
    expect(await keys()).toEqual({ [phone.device]: second })
    await alice.renew(phone.device)
    await directory.send(alice, phone)
    expect(await keys()).toEqual({})
  })
})

describe('many at once', () => {
  /** A random number of turns for the others between any two steps. */
  async function pause() {
    const turns = Math.floor(Math.random() * 4)
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
  }

  test('of renewals made for one sequence one is accepted; the rest are told where the chain is', async () => {
    directory = await TestDirectory.open({ pause })
    alice = await directory.chain()
    phone = await directory.signUp(alice)
    const callers = [phone]
    for (let count = 0; count < 3; count++) {
      callers.push({ username: 'alice', device: await alice.approve(phone.device) })
      await directory.send(alice, phone)
    }
    const attempts = callers.map(async (caller) => {
      const entry = await alice.renewal(caller.device, await newKeys())
      return await directory.service.register({ entry }, caller)
    })
    const settled = await Promise.allSettled(attempts)
    const accepted = settled.filter((one) => one.status === 'fulfilled')
    expect(accepted).toHaveLength(1)
    const head = accepted[0]!.value.head
    for (const one of settled) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'CONFLICT', sequence: 4, head })
    }
    expect(directory.log.leaves).toHaveLength(6)
  })

  test('one token, one name, many first devices: one user, one leaf', async () => {
    directory = await TestDirectory.open({ pause })
    const signUp = await directory.token('bob')
    const attempts = Array.from({ length: 6 }, async () => {
      const bob = await directory.chain('bob')
      await bob.first()
      return await directory.service.register({ entry: bob.entries[0]!, signUp }, undefined)
    })
    const settled = await Promise.allSettled(attempts)
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(directory.store.entries.get('bob')).toHaveLength(1)
    expect(directory.log.leaves).toHaveLength(2)
  })

  test('different users do not hinder each other, and the log has each once', async () => {
    directory = await TestDirectory.open({ pause })
    const names = Array.from({ length: 8 }, (_, at) => `user-${at}`)
    await Promise.all(names.map(async (name) => directory.signUp(await directory.chain(name))))
    const indexes = [...directory.store.entries.values()].flat().map(({ index }) => index)
    expect(indexes.sort((one, other) => one - other)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })
})

test('a cached state is not believed after the store went back', async () => {
  const { users, entries } = directory.store
  const before = { user: users.get('alice')!, entries: entries.get('alice')! }
  await alice.renew(phone.device)
  await directory.send(alice, phone)
  users.set('alice', before.user)
  entries.set('alice', before.entries)
  expect((await directory.service.user('alice')).state.sequence).toBe(0)
  entries.set('alice', [])
  users.set('alice', { ...before.user, head: 'A'.repeat(43) })
  expect(await codeOf(directory.service.user('alice'))).toBe('CHAIN_BROKEN')
})
