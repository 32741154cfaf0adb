import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { backend } from '@keyhaven/crypto'
import { nobleBackend } from '@keyhaven/crypto/noble'
import { webBackend } from '@keyhaven/crypto/web'
import { calculateJwkThumbprint, compactVerify, importJWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { subjectPublicKeyInfo } from '../../src/chain/spki.ts'
import { decodeEntry, entryHash, foldChain, signAcceptance, verifyDeviceKeyRequest } from '../../src/index.ts'
import { APPLICATION, TestChain } from '../kit/test-chain.ts'

/** Checks RSASSA-PKCS1-v1_5 signatures with a program that we did not write. */
const PYTHON = `
import base64, json, sys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
def raw(text): return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
def number(text): return int.from_bytes(raw(text), 'big')
given = json.load(sys.stdin)
key = rsa.RSAPublicNumbers(number(given['key']['e']), number(given['key']['n'])).public_key()
header, payload, signature = given['jws'].split('.')
assert json.loads(raw(header))['alg'] == 'RS256'
key.verify(raw(signature), (header + '.' + payload).encode(), padding.PKCS1v15(), hashes.SHA256())
if 'proof' in given:
    new = rsa.RSAPublicNumbers(number(given['new']['e']), number(given['new']['n'])).public_key()
    spki = new.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert spki == raw(given['spki'])
    key.verify(raw(given['proof']), spki, padding.PKCS1v15(), hashes.SHA1())
print('verified')
`

function python(input: object): string {
  const options = { input: JSON.stringify(input), encoding: 'utf8' } as const
  return execFileSync('python3', ['-c', PYTHON], options).trim()
}

describe('with jose', () => {
  test.each(['x-wing', 'x25519', 'rsa3072'] as const)('%s: entry, device request', async (profile) => {
    const alice = await TestChain.open()
    await alice.first(profile)
    const entry = alice.entries[0]!
    const { signingKey, signingThumbprint } = alice.state.devices[0]!.record
    const algorithm = profile === 'rsa3072' ? 'PS256' : 'EdDSA'
    const key = await importJWK(signingKey as never, algorithm)
    const opened = await compactVerify(entry, key)
    expect(opened.protectedHeader).toEqual({
      alg: algorithm,
      typ: 'keyhaven-entry+jws',
      kid: await calculateJwkThumbprint(signingKey as never),
    })
    expect(opened.protectedHeader.kid).toBe(signingThumbprint)
    const payload = JSON.parse(new TextDecoder().decode(opened.payload))
    expect(payload).toMatchObject({ v: 1, application: APPLICATION, username: 'alice', sequence: 0 })
    const request = await compactVerify(payload.request, key)
    expect(request.protectedHeader).toEqual({ alg: algorithm, typ: 'keyhaven-device+jws' })
    expect(createHash('sha256').update(entry).digest('base64url')).toBe(await entryHash(backend, entry))
  })

  test('acceptance', async () => {
    const { authority } = await TestChain.open()
    const fields = { application: APPLICATION, username: 'alice', entry: 'A'.repeat(43), at: 1 }
    const text = await signAcceptance(backend, authority, fields)
    const key = await importJWK(authority.publicKey.jwk as never, 'EdDSA')
    const { payload, protectedHeader } = await compactVerify(text, key)
    expect(protectedHeader.typ).toBe('keyhaven-accepted+jws')
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({ v: 1, ...fields })
  })
})

test('the legacy profile with python3-cryptography: entry, device request, renewal proof', async () => {
  const alice = await TestChain.open()
  const phone = await alice.first('rsa1024-legacy')
  await alice.renew(phone)
  const [first, second] = alice.entries.map((entry) => decodeEntry(entry).entry)
  if (first?.kind !== 'device' || second?.kind !== 'device') throw new Error('not device entries')
  const [old] = alice.state.devices[0]!.earlier
  const { signingKey } = alice.state.devices[0]!.record
  expect(python({ key: old!.signingKey, jws: alice.entries[0] })).toBe('verified')
  expect(python({ key: old!.signingKey, jws: first.request })).toBe('verified')
  const spki = Buffer.from(subjectPublicKeyInfo(signingKey)).toString('base64url')
  const proof = { proof: second.legacyProof, new: signingKey, spki }
  expect(python({ key: old!.signingKey, jws: alice.entries[1], ...proof })).toBe('verified')
  const owner = { application: APPLICATION, username: 'alice' }
  expect(await verifyDeviceKeyRequest(backend, second.request, owner)).toMatchObject({ device: phone })
})

test.each([webBackend, nobleBackend])(
  'a chain of every profile of today folds the same in %o',
  async (other) => {
    const alice = await TestChain.open()
    const phone = await alice.first('rsa3072')
    await alice.approve(phone, 'x-wing')
    await alice.renew(phone, 'x25519')
    await alice.setRecovery(phone)
    await alice.reset()
    expect(await foldChain(other, alice.entries, alice.expected)).toEqual(await alice.fold())
  },
)
