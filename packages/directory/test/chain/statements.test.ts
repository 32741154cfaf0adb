import { backend, kemPublicKeyToJwk } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  type EncryptionKeyStatement,
  entryHash,
  signAcceptance,
  signEncryptionKeyStatement,
  stateAt,
  verifyAcceptance,
  verifyEncryptionKeyStatement,
} from '../../src/index.ts'
import { codeOf } from '../kit/code-of.ts'
import { APPLICATION, DAY, HOUR, TestChain } from '../kit/test-chain.ts'

let alice: TestChain
let phone: string

beforeEach(async () => {
  alice = await TestChain.open()
  phone = await alice.first()
})

async function statement(fields: Partial<EncryptionKeyStatement> = {}, by = phone): Promise<string> {
  const { publicKey } = await backend.kem.generateKeyPair('x25519')
  return await signEncryptionKeyStatement(backend, alice.signerOfDevice(by), {
    application: APPLICATION,
    username: 'alice',
    device: phone,
    entry: alice.state.devices[0]!.record.entry,
    key: kemPublicKeyToJwk(publicKey),
    notBefore: alice.now,
    expires: alice.now + 7 * DAY,
    ...fields,
  })
}

function verdict(text: string, device?: string): Promise<string> {
  return codeOf(verifyEncryptionKeyStatement(backend, text, stateAt(alice.state, alice.now), device))
}

describe('encryption key statements', () => {
  test("by the device's newest key, for at most 7 days", async () => {
    const text = await statement()
    expect(await verdict(text, phone)).toBe('accepted')
    alice.now += 7 * DAY
    expect(await verdict(text)).toBe('KEY_EXPIRED')
  })

  test.each<[string, Partial<EncryptionKeyStatement>, string]>([
    ['another application', { application: 'other' }, 'RECORD_INVALID'],
    ['another user', { username: 'bob' }, 'RECORD_INVALID'],
    ['another entry', { entry: 'A'.repeat(43) }, 'RECORD_INVALID'],
    ['longer than 7 days', { expires: 1_800_000_000 + 7 * DAY + 1 }, 'RECORD_INVALID'],
    ['ahead', { notBefore: 1_800_000_000 + HOUR }, 'KEY_NOT_YET_VALID'],
    ['another kind of key', { key: { kty: 'OKP', crv: 'X25519', x: 'AA' } }, 'RECORD_INVALID'],
  ])('%s', async (_, fields, code) => {
    expect(await verdict(await statement(fields))).toBe(code)
  })

  test('of another device, signed by another, after a renewal, after a revocation', async () => {
    const laptop = await alice.approve(phone)
    expect(await verdict(await statement({}, laptop))).toBe('RECORD_INVALID')
    const text = await statement()
    expect(await verdict(text, laptop)).toBe('RECORD_INVALID')
    await alice.renew(phone)
    expect(await verdict(text)).toBe('RECORD_INVALID')
    const renewed = await statement()
    expect(await verdict(renewed)).toBe('accepted')
    await alice.revoke(phone, phone)
    expect(await verdict(renewed)).toBe('DEVICE_REVOKED')
  })

  test('a key of the chain is not published again, and RSA profiles publish none', async () => {
    const key = alice.state.devices[0]!.record.encryptionKey
    expect(await verdict(await statement({ key }))).toBe('RECORD_INVALID')
    const bob = await TestChain.open('alice')
    const device = await bob.first('rsa3072')
    alice = bob
    phone = device
    expect(await verdict(await statement())).toBe('SUITE_REFUSED')
  })
})

test('an acceptance is for one entry of one user, by the authority', async () => {
  const { authority } = alice
  const entry = await entryHash(backend, alice.entries[0]!)
  const of = { application: APPLICATION, username: 'alice', entry }
  const text = await signAcceptance(backend, authority, { ...of, at: alice.now })
  const verify = (expected: object, key = authority) =>
    codeOf(verifyAcceptance(backend, key.publicKey, text, { ...of, ...expected }))
  expect(await verify({})).toBe('accepted')
  expect(await verify({ username: 'bob' })).toBe('RECORD_INVALID')
  expect(await verify({ application: 'other' })).toBe('RECORD_INVALID')
  expect(await verify({ entry: 'A'.repeat(43) })).toBe('RECORD_INVALID')
  expect(await verify({}, await backend.signatures.generateKeyPair('EdDSA'))).toBe('RECORD_INVALID')
  const entryAsAcceptance = verifyAcceptance(backend, authority.publicKey, alice.entries[0]!, of)
  expect(await codeOf(entryAsAcceptance)).not.toBe('accepted')
})
