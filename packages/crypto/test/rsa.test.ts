import { constants, createPrivateKey, generateKeyPairSync, privateDecrypt, publicEncrypt } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { nobleBackend } from '../src/noble/index.ts'
import {
  type CryptoBackend,
  decodeOaep,
  type KeyhavenError,
  nodeBackend,
  type RsaPrivateKey,
  utf8,
} from '../src/node/index.ts'
import { encodeOaep } from '../src/oaep.ts'
import { webBackend } from '../src/web/index.ts'

const BACKENDS: readonly CryptoBackend[] = [nodeBackend, webBackend]
const SECRET = new Uint8Array(32).fill(7)
const DATA = utf8('what is signed')
const BITS = 2_048
const BYTES = BITS / 8
const keys = new Map<CryptoBackend, RsaPrivateKey>()
let pkcs8: Uint8Array
const REFUSED = { code: 'OPEN_FAILED', message: 'the ciphertext could not be opened', cause: 'none' }

/** What a caller can see of a failure. */
async function thrownBy(work: () => Promise<unknown>) {
  try {
    await work()
  } catch (error) {
    const { code, message } = error as KeyhavenError
    return { code, message, cause: (error as Error).cause ?? 'none' }
  }
  return undefined
}

beforeAll(async () => {
  pkcs8 = await nodeBackend.rsa.exportPrivateKey(await nodeBackend.rsa.generateKeyPair(BITS))
  for (const backend of BACKENDS) keys.set(backend, await backend.rsa.importPrivateKey(pkcs8))
})

describe.each(BACKENDS)('RSA of $name', (backend) => {
  const key = () => keys.get(backend)!

  test.each(BACKENDS)('understands $name', async (other) => {
    const wrapped = await backend.rsa.encryptOaep(key().publicKey, SECRET)
    expect(await other.rsa.decryptOaep(keys.get(other)!, wrapped)).toEqual(SECRET)
    const signature = await backend.rsa.signPkcs1(key(), DATA)
    expect(signature.length).toBe(BYTES)
    // The public key is plain data: also one that another backend imported serves.
    expect(await other.rsa.verifyPkcs1(key().publicKey, signature, DATA)).toBe(true)
    expect(await other.rsa.verifyPkcs1(key().publicKey, signature, SECRET)).toBe(false)
    expect(await other.rsa.exportPrivateKey(keys.get(other)!)).toEqual(pkcs8)
  })

  test('makes keys, and knows their size', async () => {
    const made = await backend.rsa.generateKeyPair(BITS)
    expect(made.publicKey.modulusBits).toBe(BITS)
    const again = await backend.rsa.importPublicKey(made.publicKey.spki)
    expect(again).toEqual(made.publicKey)
    expect(await backend.rsa.decryptOaep(made, await backend.rsa.encryptOaep(again, SECRET))).toEqual(SECRET)
  })

  test('opens nothing that was cut, lengthened, changed or meant for another', async () => {
    const wrapped = await backend.rsa.encryptOaep(key().publicKey, SECRET)
    const flips = [0, 1, 100, 255].map((at) => wrapped.map((byte, index) => (index === at ? byte ^ 2 : byte)))
    const pkcs1 = publicEncrypt(
      {
        key: createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }),
        padding: constants.RSA_PKCS1_PADDING,
      },
      SECRET,
    )
    for (const sample of [
      ...flips,
      wrapped.subarray(1),
      Uint8Array.of(0, ...wrapped),
      new Uint8Array(BYTES),
      new Uint8Array(BYTES).fill(255),
      new Uint8Array(0),
      pkcs1,
    ]) {
      expect(await thrownBy(async () => backend.rsa.decryptOaep(key(), sample))).toEqual(REFUSED)
    }
  })

  test('verifies nothing that was cut, lengthened or changed, and never throws for it', async () => {
    const signature = await backend.rsa.signPkcs1(key(), DATA)
    for (const sample of [
      signature.subarray(1),
      Uint8Array.of(...signature, 0),
      signature.map((byte, at) => (at === 200 ? byte ^ 1 : byte)),
      new Uint8Array(0),
    ]) {
      expect(await backend.rsa.verifyPkcs1(key().publicKey, sample, DATA)).toBe(false)
    }
  })

  test('takes only RSA keys of 2048 to 8192 bits', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1_024 })
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    for (const pair of [small, curve]) {
      const spki = Uint8Array.from(pair.publicKey.export({ format: 'der', type: 'spki' }))
      const secret = Uint8Array.from(pair.privateKey.export({ format: 'der', type: 'pkcs8' }))
      for (const importing of [
        async () => backend.rsa.importPublicKey(spki),
        async () => backend.rsa.importPrivateKey(secret),
        async () => backend.rsa.importPublicKey(spki.subarray(1)),
        async () => backend.rsa.importPrivateKey(pkcs8.subarray(0, 800)),
      ]) {
        expect(await thrownBy(importing)).toMatchObject({ code: 'WIRE_MALFORMED', cause: 'none' })
      }
    }
  })

  test('wraps no more than fits', async () => {
    const fits = new Uint8Array(BYTES - 66).fill(1)
    expect(
      await backend.rsa.decryptOaep(key(), await backend.rsa.encryptOaep(key().publicKey, fits)),
    ).toEqual(fits)
    await expect(
      (async () => backend.rsa.encryptOaep(key().publicKey, new Uint8Array(BYTES - 65)))(),
    ).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  })

  test('AES-256-GCM takes IVs of 12 to 64 bytes', async () => {
    const aead = backend.aes256Gcm(SECRET)
    for (const length of [12, 16, 32, 64]) {
      const iv = new Uint8Array(length).fill(length)
      const sealed = await aead.seal(iv, DATA, utf8('aad'))
      for (const other of BACKENDS) {
        expect(await other.aes256Gcm(SECRET).open(iv, sealed, utf8('aad'))).toEqual(DATA)
      }
      for (const opening of [
        async () => aead.open(iv, sealed),
        async () => aead.open(iv, sealed.subarray(1), utf8('aad')),
        async () => aead.open(iv, new Uint8Array(15), utf8('aad')),
      ]) {
        expect(await thrownBy(opening)).toEqual(REFUSED)
      }
    }
    for (const length of [0, 11, 65]) {
      await expect((async () => aead.seal(new Uint8Array(length), DATA))()).rejects.toThrow(TypeError)
    }
    const short = async () => backend.aes256Gcm(new Uint8Array(16)).seal(new Uint8Array(12), DATA)
    await expect(short()).rejects.toThrow(TypeError)
  })
})

test.each<[string, () => unknown]>([
  ['RSA', () => nodeBackend.rsa.generateKeyPair(3_072)],
  ['RSA-OAEP', () => nodeBackend.rsaOaep.generateKeyPair(3_072)],
  ['PS256', () => nodeBackend.signatures.generateKeyPair('PS256')],
  ['legacy RSA', () => nodeBackend.legacyRsa.generateKeyPair()],
])('keys of %s are made off the event loop', async (_name, makeKey) => {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  // On a busy machine this thread may sleep through a key or two.
  for (let keys = 0; keys < 10 && turns <= 3; keys++) {
    turns = 0
    await makeKey()
  }
  clearInterval(timer)
  expect(turns).toBeGreaterThan(3)
})

test('MGF1-SHA-1 is for node only; noble has no RSA of this kind', async () => {
  const key = keys.get(nodeBackend)!
  const wrapped = await nodeBackend.rsa.encryptOaep(key.publicKey, SECRET, 'SHA-1')
  expect(await nodeBackend.rsa.decryptOaep(key, wrapped, 'SHA-1')).toEqual(SECRET)
  for (const refused of [
    async () => webBackend.rsa.decryptOaep(keys.get(webBackend)!, wrapped, 'SHA-1'),
    async () => webBackend.rsa.encryptOaep(key.publicKey, SECRET, 'SHA-1'),
    async () => nobleBackend.rsa.encryptOaep(key.publicKey, SECRET),
    async () => nobleBackend.rsa.generateKeyPair(BITS),
    async () => nobleBackend.aes256Gcm(SECRET),
  ]) {
    await expect(refused()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  }
})

describe('OAEP on the raw RSA operation', () => {
  const raw = (ciphertext: Uint8Array) => {
    const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
    return Uint8Array.from(privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, ciphertext))
  }

  test('decodes what OpenSSL encoded, and the other way round', async () => {
    const { publicKey } = keys.get(nodeBackend)!
    for (const length of [0, 1, 32, BYTES - 66]) {
      const message = new Uint8Array(length).fill(1)
      const block = raw(await nodeBackend.rsa.encryptOaep(publicKey, message))
      expect(block.length).toBe(BYTES)
      expect(decodeOaep(block)).toEqual(message)
      expect(decodeOaep(encodeOaep(message, SECRET, BYTES))).toEqual(message)
      expect(decodeOaep(encodeOaep(message, SECRET, BYTES, 'SHA-1'), 'SHA-1')).toEqual(message)
    }
  })

  test('each changed byte fails alike, or changes only the message', () => {
    const block = encodeOaep(SECRET, new Uint8Array(32).fill(9), BYTES)
    let opened = 0
    for (let at = 0; at < BYTES; at++) {
      const changed = block.map((byte, index) => (index === at ? byte ^ 0x10 : byte))
      try {
        expect(decodeOaep(changed)).not.toEqual(SECRET)
        opened++
      } catch (error) {
        expect(error).toMatchObject({ code: 'OPEN_FAILED', message: 'the ciphertext could not be opened' })
      }
    }
    // A masked block's own byte unmasks the seed to another: nothing is left of the label.
    expect(opened).toBe(0)
    for (const wrong of [new Uint8Array(BYTES), new Uint8Array(65), block.subarray(1)]) {
      expect(() => decodeOaep(wrong)).toThrow(expect.objectContaining({ code: 'OPEN_FAILED' }))
    }
    expect(() => decodeOaep(block, 'SHA-1')).toThrow(expect.objectContaining({ code: 'OPEN_FAILED' }))
  })
})
