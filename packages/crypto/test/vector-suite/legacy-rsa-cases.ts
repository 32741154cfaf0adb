import type { CryptoBackend, Jwk } from '../../src/public-api.ts'
import { toHex, utf8 } from '../../src/public-api.ts'
import { expectHex, expectRefusal, expectTrue, type VectorCase } from './vector-case.ts'

const DATA = utf8('what is signed')
const SPKI = utf8('stands for a SubjectPublicKeyInfo')

/** What the profile rsa1024-legacy needs; runs in browsers too. noble refuses it all. */
export function legacyRsaCases(backend: CryptoBackend): VectorCase[] {
  if (backend.name === 'noble') return [{ name: 'legacy RSA: unsupported', run: () => unsupported(backend) }]
  return [
    { name: 'legacy RSA: signatures', run: () => signatures(backend) },
    { name: 'legacy RSA: OAEP', run: () => oaep(backend) },
    { name: 'legacy RSA: no other keys', run: () => otherKeys(backend) },
    { name: 'legacy RSA keys are refused elsewhere', run: () => refusedElsewhere(backend) },
  ]
}

async function signatures(backend: CryptoBackend): Promise<void> {
  const { legacyRsa } = backend
  const { publicKey, privateKey } = await legacyRsa.generateKeyPair()
  expectTrue(!('d' in publicKey) && 'd' in privateKey && publicKey.e === 'AQAB', 'members')
  const sha256 = await legacyRsa.signSha256(privateKey, DATA)
  const sha1 = await legacyRsa.signSha1(privateKey, SPKI)
  expectTrue(sha256.length === 128 && sha1.length === 128, 'length')
  expectHex(await legacyRsa.signSha256(privateKey, DATA), toHex(sha256), 'deterministic')
  expectTrue(await legacyRsa.verifySha256(publicKey, sha256, DATA), 'RS256')
  expectTrue(await legacyRsa.verifySha1(publicKey, sha1, SPKI), 'SHA-1')
  const other = (await legacyRsa.generateKeyPair()).publicKey
  expectTrue(!(await legacyRsa.verifySha256(other, sha256, DATA)), 'another key')
  expectTrue(!(await legacyRsa.verifySha256(publicKey, sha256, SPKI)), 'other data')
  expectTrue(!(await legacyRsa.verifySha1(publicKey, sha1, DATA)), 'another new key')
  expectTrue(!(await legacyRsa.verifySha1(publicKey, sha256, DATA)), 'SHA-256 taken for SHA-1')
  expectTrue(!(await legacyRsa.verifySha256(publicKey, sha1, SPKI)), 'SHA-1 taken for SHA-256')
  for (const malformed of [sha256.subarray(1), Uint8Array.of(0, ...sha256), new Uint8Array(0)]) {
    expectTrue(!(await legacyRsa.verifySha256(publicKey, malformed, DATA)), `${malformed.length} bytes`)
  }
  for (let at = 0; at < sha256.length; at += 9) {
    const flipped = Uint8Array.from(sha256)
    flipped[at]! ^= 1
    expectTrue(!(await legacyRsa.verifySha256(publicKey, flipped, DATA)), `byte ${at} flipped`)
  }
}

async function oaep(backend: CryptoBackend): Promise<void> {
  const { legacyRsa } = backend
  const { publicKey, privateKey } = await legacyRsa.generateKeyPair()
  for (const length of [0, 16, 62]) {
    const plaintext = backend.randomBytes(length)
    const ciphertext = await legacyRsa.encrypt(publicKey, plaintext)
    expectTrue(ciphertext.length === 128, 'length')
    expectHex(await legacyRsa.decrypt(privateKey, ciphertext), toHex(plaintext), `${length} bytes`)
  }
  await expectRefusal('INPUT_INVALID', '63 bytes', () => legacyRsa.encrypt(publicKey, new Uint8Array(63)))
  const ciphertext = await legacyRsa.encrypt(publicKey, DATA)
  const flipped = Uint8Array.from(ciphertext)
  flipped[127]! ^= 1
  for (const bad of [flipped, ciphertext.subarray(1), new Uint8Array(128).fill(0xff), new Uint8Array(0)]) {
    await expectRefusal('OPEN_FAILED', 'bad ciphertext', () => legacyRsa.decrypt(privateKey, bad))
  }
  const other = (await legacyRsa.generateKeyPair()).privateKey
  await expectRefusal('OPEN_FAILED', 'another key', () => legacyRsa.decrypt(other, ciphertext))
}

async function otherKeys(backend: CryptoBackend): Promise<void> {
  const { legacyRsa } = backend
  const { publicKey, privateKey } = await legacyRsa.generateKeyPair()
  const strong = await backend.rsaOaep.generateKeyPair(2048)
  const { e: _, ...withoutExponent } = publicKey
  const refused: readonly Jwk[] = [
    strong.publicKey,
    withoutExponent,
    { ...publicKey, e: 'Aw' },
    { ...publicKey, e: 'AQ' },
    { ...publicKey, e: 'AAEAAQ' },
    { ...publicKey, n: `AA${publicKey.n as string}` },
    { ...publicKey, kty: 'EC' },
    { ...publicKey, n: '*' },
  ]
  for (const jwk of refused) {
    const what = JSON.stringify(jwk)
    await expectRefusal('WIRE_MALFORMED', what, async () => legacyRsa.encrypt(jwk, DATA))
    await expectRefusal('WIRE_MALFORMED', what, async () => legacyRsa.verifySha256(jwk, DATA, DATA))
    await expectRefusal('WIRE_MALFORMED', what, async () => legacyRsa.verifySha1(jwk, DATA, DATA))
  }
  for (const jwk of [strong.privateKey, publicKey, { ...privateKey, p: '*' }]) {
    await expectRefusal('WIRE_MALFORMED', 'private', async () => legacyRsa.signSha256(jwk, DATA))
    await expectRefusal('WIRE_MALFORMED', 'private', async () => legacyRsa.signSha1(jwk, DATA))
    await expectRefusal('WIRE_MALFORMED', 'private', async () => legacyRsa.decrypt(jwk, DATA))
  }
}

async function refusedElsewhere({ legacyRsa, rsaOaep, signatures }: CryptoBackend): Promise<void> {
  const { publicKey, privateKey } = await legacyRsa.generateKeyPair()
  const ciphertext = await legacyRsa.encrypt(publicKey, DATA)
  await expectRefusal('WIRE_MALFORMED', 'encrypt', async () => rsaOaep.encrypt(publicKey, DATA))
  await expectRefusal('WIRE_MALFORMED', 'decrypt', async () => rsaOaep.decrypt(privateKey, ciphertext))
  await expectRefusal('WIRE_MALFORMED', 'verify', async () => signatures.importVerifyKey('PS256', publicKey))
  await expectRefusal('WIRE_MALFORMED', 'sign', async () => signatures.importSigningKey('PS256', privateKey))
}

async function unsupported({ legacyRsa }: CryptoBackend): Promise<void> {
  const jwk: Jwk = { kty: 'RSA' }
  await expectRefusal('UNSUPPORTED', 'generate', async () => legacyRsa.generateKeyPair())
  await expectRefusal('UNSUPPORTED', 'sign', async () => legacyRsa.signSha256(jwk, DATA))
  await expectRefusal('UNSUPPORTED', 'verify', async () => legacyRsa.verifySha256(jwk, DATA, DATA))
  await expectRefusal('UNSUPPORTED', 'sign', async () => legacyRsa.signSha1(jwk, DATA))
  await expectRefusal('UNSUPPORTED', 'verify', async () => legacyRsa.verifySha1(jwk, DATA, DATA))
  await expectRefusal('UNSUPPORTED', 'encrypt', async () => legacyRsa.encrypt(jwk, DATA))
  await expectRefusal('UNSUPPORTED', 'decrypt', async () => legacyRsa.decrypt(jwk, DATA))
}
