import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { fromBase64url, type Jwk, nodeBackend, toBase64url, utf8 } from '../src/node/index.ts'
import { webBackend } from '../src/web/index.ts'

const SCRIPT = fileURLToPath(new URL('fixtures/rsa_interop.py', import.meta.url))
const DATA = utf8('what is signed, and what is encrypted')
const BACKENDS = [nodeBackend, webBackend]
const PAIRS = BACKENDS.flatMap((maker) => BACKENDS.map((user) => ({ maker, user })))

/** What rsa_interop.py answers. */
interface PythonAnswer {
  readonly rs256: boolean
  readonly rs1: boolean
  readonly ps256: boolean
  readonly strongBits: number
  readonly plaintext: string
  readonly own: Readonly<Record<'rs256' | 'rs1' | 'ciphertext', string>> & { privateKey: Jwk }
}

describe('legacy RSA', () => {
  test.each(PAIRS)('made by $maker.name, used by $user.name', async ({ maker, user }) => {
    const { publicKey, privateKey } = await maker.legacyRsa.generateKeyPair()
    const sha256 = await maker.legacyRsa.signSha256(privateKey, DATA)
    const sha1 = await maker.legacyRsa.signSha1(privateKey, DATA)
    expect(await user.legacyRsa.verifySha256(publicKey, sha256, DATA)).toBe(true)
    expect(await user.legacyRsa.verifySha1(publicKey, sha1, DATA)).toBe(true)
    expect(await user.legacyRsa.signSha256({ ...privateKey }, DATA)).toEqual(sha256)
    const ciphertext = await user.legacyRsa.encrypt(publicKey, DATA)
    expect(await maker.legacyRsa.decrypt(privateKey, ciphertext)).toEqual(DATA)
  })

  test.each(BACKENDS)('$name and python3-cryptography understand each other', async (backend) => {
    const { legacyRsa, signatures } = backend
    const { publicKey, privateKey } = await legacyRsa.generateKeyPair()
    const strong = await signatures.generateKeyPair('PS256')
    const given = {
      publicKey,
      privateKey,
      strongKey: strong.publicKey.jwk,
      data: toBase64url(DATA),
      rs256: toBase64url(await legacyRsa.signSha256(privateKey, DATA)),
      rs1: toBase64url(await legacyRsa.signSha1(privateKey, DATA)),
      ps256: toBase64url(await signatures.sign(strong, DATA)),
      ciphertext: toBase64url(await legacyRsa.encrypt(publicKey, DATA)),
    }
    const output = execFileSync('python3', [SCRIPT], { input: JSON.stringify(given), encoding: 'utf8' })
    const { own, ...answer } = JSON.parse(output) as PythonAnswer
    expect(answer).toEqual({ rs256: true, rs1: true, ps256: true, strongBits: 3072, plaintext: given.data })
    const key = own.privateKey
    expect(await legacyRsa.verifySha256(key, fromBase64url(own.rs256), DATA)).toBe(true)
    expect(await legacyRsa.verifySha1(key, fromBase64url(own.rs1), DATA)).toBe(true)
    expect(await legacyRsa.decrypt(key, fromBase64url(own.ciphertext))).toEqual(DATA)
  })
})

describe('PS256', () => {
  test.each(PAIRS)('3072 bits, made by $maker.name, imported by $user.name', async ({ maker, user }) => {
    const key = await maker.signatures.generateKeyPair('PS256')
    expect(fromBase64url(key.publicKey.jwk.n as string).length * 8).toBe(3072)
    const imported = await user.signatures.importSigningKey(
      'PS256',
      await maker.signatures.exportSigningKey(key),
    )
    expect(imported.publicKey.jwk).toEqual(key.publicKey.jwk)
    const signature = await user.signatures.sign(imported, DATA)
    expect(signature.length).toBe(384)
    expect(await maker.signatures.verify(key.publicKey, signature, DATA)).toBe(true)
  })
})
