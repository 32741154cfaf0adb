import { type CryptoBackend, type Jwk, jwkThumbprint, kemPublicKeyToJwk, toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import type { DeviceEncryptionKey } from '@keyhaven/messaging'
import { describe, expect, test } from 'vitest'
import { commitmentOfKey, recipientsRoot, wrapConversationKey } from '../../src/index.ts'
import { recipientTree, verifyRecipient } from '../../src/key/recipients.ts'
import { type KeyWrapContext, unwrapConversationKey } from '../../src/key/wrapped-key.ts'
import { BACKENDS, codeOf, newHash, newId, START } from '../membership/kit.ts'

const PROFILES = ['x-wing', 'x25519', 'rsa3072'] as const

type Profile = (typeof PROFILES)[number] | 'rsa1024-legacy'

/** A device's encryption key, as its store would give it back. */
async function encryptionKeyOf(
  profile: Profile,
  backend: CryptoBackend = nodeBackend,
): Promise<DeviceEncryptionKey> {
  let publicJwk: Jwk
  let privateKey: DeviceEncryptionKey['privateKey']
  if (profile === 'x-wing' || profile === 'x25519') {
    const pair = await backend.kem.generateKeyPair(profile)
    publicJwk = kemPublicKeyToJwk(pair.publicKey)
    privateKey = { kem: pair.privateKey }
  } else {
    // Made by node:crypto: the noble backend opens with RSA keys, and makes none.
    const { rsaOaep, legacyRsa } = nodeBackend
    const pair = await (profile === 'rsa3072' ? rsaOaep.generateKeyPair(3072) : legacyRsa.generateKeyPair())
    publicJwk = pair.publicKey
    privateKey = { rsa: pair.privateKey }
  }
  const thumbprint = await jwkThumbprint(nodeBackend, publicJwk)
  return { thumbprint, publicJwk, notBefore: START, expires: START + 1, privateKey }
}

function contextFor({ thumbprint }: DeviceEncryptionKey): KeyWrapContext {
  const to = { username: 'ben', device: newId(), thumbprint }
  return { application: 'demo', conversation: newId(), key: newId(), from: newId(), to }
}

describe.each(PROFILES)('a key wrapped for a device with the profile %s', (profile) => {
  test.each(BACKENDS)('opens on $name, and nowhere else', async (backend) => {
    const mine = await encryptionKeyOf(profile, backend)
    const context = contextFor(mine)
    const key = backend.randomBytes(32)
    const commitment = await commitmentOfKey(backend, context, key)
    const wrapped = await wrapConversationKey(backend, mine.publicJwk, context, key)
    expect(await unwrapConversationKey(backend, mine, context, wrapped, commitment)).toEqual(key)
    const other = await encryptionKeyOf(profile, backend)
    expect(await codeOf(unwrapConversationKey(backend, other, context, wrapped, commitment))).toBe(
      'OPEN_FAILED',
    )
    expect(await codeOf(unwrapConversationKey(backend, mine, context, wrapped, newHash()))).toBe(
      'SIGNATURE_INVALID',
    )
  })

  test('opens in no other context', async () => {
    const mine = await encryptionKeyOf(profile)
    const context = contextFor(mine)
    const key = nodeBackend.randomBytes(32)
    const wrapped = await wrapConversationKey(nodeBackend, mine.publicJwk, context, key)
    const { to } = context
    const others: KeyWrapContext[] = [
      { ...context, application: 'other' },
      { ...context, conversation: newId() },
      { ...context, key: newId() },
      { ...context, from: newId() },
      { ...context, to: { ...to, username: 'cleo' } },
      { ...context, to: { ...to, device: newId() } },
      { ...context, to: { ...to, thumbprint: newHash() } },
    ]
    const commitment = await commitmentOfKey(nodeBackend, context, key)
    for (const [at, other] of others.entries()) {
      const opened = codeOf(unwrapConversationKey(nodeBackend, mine, other, wrapped, commitment))
      // RSA-OAEP has no place for a context: there the commitment binds application, conversation and key id.
      const expected = profile !== 'rsa3072' ? 'OPEN_FAILED' : at < 3 ? 'SIGNATURE_INVALID' : 'none'
      expect(await opened, `context ${at}`).toBe(expected)
    }
  })

  test('does not open after any change', async () => {
    const mine = await encryptionKeyOf(profile)
    const context = contextFor(mine)
    const key = nodeBackend.randomBytes(32)
    const commitment = await commitmentOfKey(nodeBackend, context, key)
    const wrapped = Buffer.from(
      await wrapConversationKey(nodeBackend, mine.publicJwk, context, key),
      'base64url',
    )
    const step = profile === 'x25519' ? 1 : 17
    for (let at = 0; at < wrapped.length; at += step) {
      const bad = Buffer.from(wrapped)
      bad[at]! ^= 0x10
      const opened = unwrapConversationKey(nodeBackend, mine, context, toBase64url(bad), commitment)
      expect(await codeOf(opened), `at ${at}`).toBe('OPEN_FAILED')
    }
    for (const cut of [0, 1, wrapped.length - 1]) {
      const opened = unwrapConversationKey(
        nodeBackend,
        mine,
        context,
        toBase64url(wrapped.subarray(0, cut)),
        commitment,
      )
      expect(await codeOf(opened), `cut ${cut}`).toBe('OPEN_FAILED')
    }
    const long = unwrapConversationKey(nodeBackend, mine, context, 'A'.repeat(2_049), commitment)
    expect(await codeOf(long)).toBe('WIRE_TOO_LARGE')
  })
})

test('no sealed key is wrapped for a legacy device', async () => {
  const mine = await encryptionKeyOf('rsa1024-legacy')
  const context = contextFor(mine)
  const key = nodeBackend.randomBytes(32)
  expect(await codeOf(wrapConversationKey(nodeBackend, mine.publicJwk, context, key))).toBe('SUITE_REFUSED')
  const opened = unwrapConversationKey(nodeBackend, mine, context, 'AAAA', newHash())
  expect(await codeOf(opened)).toBe('SUITE_REFUSED')
})

describe('recipients', () => {
  const devices = (count: number) =>
    Array.from({ length: count }, (_, at) => ({
      username: `user ${at % 7}`,
      device: newId(),
      thumbprint: newHash(),
    }))

  test.each(BACKENDS)(
    'each of 1 to 20 proves its place on $name, in whatever order they came',
    async (backend) => {
      for (let count = 1; count <= 20; count++) {
        const list = devices(count)
        const tree = await recipientTree(backend, list)
        expect(await recipientsRoot(backend, list.toReversed())).toEqual({ count, root: tree.root })
        for (const [at, recipient] of tree.recipients.entries()) {
          expect(await codeOf(verifyRecipient(backend, recipient, tree.proof(at), tree))).toBe('none')
        }
      }
    },
  )

  test('another device, key, place, count, root or proof proves nothing', async () => {
    const tree = await recipientTree(nodeBackend, devices(11))
    const recipient = tree.recipients[4]!
    const { index, proof } = tree.proof(4)
    const check = (
      who: typeof recipient,
      where: { index: number; proof: readonly string[] },
      announced = tree,
    ) => codeOf(verifyRecipient(nodeBackend, who, where, announced))
    expect(await check(recipient, { index, proof })).toBe('none')
    for (const over of [{ username: 'eve' }, { device: newId() }, { thumbprint: newHash() }]) {
      expect(await check({ ...recipient, ...over }, { index, proof })).toBe('PROOF_INVALID')
    }
    const places = [5, -1, 11, 1.5, Number.NaN]
    for (const place of places) expect(await check(recipient, { index: place, proof })).toBe('PROOF_INVALID')
    const proofs = [
      proof.slice(1),
      [...proof, newHash()],
      proof.with(0, newHash()),
      proof.with(0, 'AA'),
      proof.with(0, '!'),
    ]
    for (const wrong of proofs) expect(await check(recipient, { index, proof: wrong })).toBe('PROOF_INVALID')
    for (const count of [0, 1, 4, 100]) {
      expect(await check(recipient, { index, proof }, { ...tree, count })).toBe('PROOF_INVALID')
    }
    expect(await check(recipient, { index, proof }, { ...tree, root: newHash() })).toBe('PROOF_INVALID')
  })

  test('none, one twice, or too many are refused', async () => {
    const [one, other] = devices(2)
    expect(await codeOf(recipientTree(nodeBackend, []))).toBe('RECORD_INVALID')
    expect(await codeOf(recipientTree(nodeBackend, [one!, { ...other!, device: one!.device }]))).toBe(
      'RECORD_INVALID',
    )
    expect(await codeOf(recipientTree(nodeBackend, Array(65_537).fill(one)))).toBe('WIRE_TOO_LARGE')
  })

  test('10,000 of them: each proof has at most 14 hashes, and the tree is made within a second', async () => {
    const list = devices(10_000)
    const before = process.cpuUsage()
    const tree = await recipientTree(nodeBackend, list)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(1_000)
    for (const at of [0, 5_000, 9_999]) {
      const proof = tree.proof(at)
      expect(proof.proof.length).toBeLessThanOrEqual(14)
      expect(await codeOf(verifyRecipient(nodeBackend, tree.recipients[at]!, proof, tree))).toBe('none')
    }
  })
})
