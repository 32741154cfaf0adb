import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
  privateDecrypt,
  publicEncrypt,
  webcrypto,
} from 'node:crypto'
import { promisify } from 'node:util'
import { KeyhavenError } from '../error.ts'
import { decodeOaep, encodeOaep } from '../oaep.ts'
import { openFailed } from '../open-failed.ts'
import { overwrite } from '../overwrite.ts'
import {
  type Mgf1Hash,
  RSA_KEY_MAX_BITS,
  RSA_KEY_MIN_BITS,
  type Rsa,
  type RsaPrivateKey,
  type RsaPublicKey,
} from '../rsa.ts'
import { SHA256_BYTES } from '../suite.ts'
import { plainBytes } from './plain-bytes.ts'
import { randomBytes } from './random-bytes.ts'
import { generateRsaKeyPair } from './rsa-key-pair.ts'

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } as const
const RAW = { padding: constants.RSA_NO_PADDING } as const
const PKCS1 = { padding: constants.RSA_PKCS1_PADDING } as const
const OAEP_ALGORITHM = { name: 'RSA-OAEP', hash: 'SHA-256' } as const
const BITS_PER_BYTE = 8
const { subtle } = webcrypto

/** With a callback, on a thread of the pool. */
const signOnThread = promisify(nodeSign)
/** Imported once for each key object, so the caller should keep his. */
const publicObjects = new WeakMap<RsaPublicKey, KeyObject>()
const privateObjects = new WeakMap<RsaPrivateKey, KeyObject>()
const oaepKeys = new WeakMap<RsaPrivateKey, webcrypto.CryptoKey>()

function publicObject(key: RsaPublicKey): KeyObject {
  const known = publicObjects.get(key)
  if (known) return known
  const made = checked(() => createPublicKey({ key: plainBuffer(key.spki), format: 'der', type: 'spki' }))
  publicObjects.set(key, made)
  return made
}

function privateObject(key: RsaPrivateKey): KeyObject {
  const known = privateObjects.get(key)
  if (!known) throw new TypeError('not a private key of this backend')
  return known
}

/** @throws KeyhavenError `WIRE_MALFORMED`; the cause could say something about the secret, it is not kept. */
function checked(create: () => KeyObject): KeyObject {
  let key: KeyObject | undefined
  try {
    key = create()
  } catch {}
  if (key?.asymmetricKeyType !== 'rsa') throw new KeyhavenError('WIRE_MALFORMED', 'not an RSA key')
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < RSA_KEY_MIN_BITS || bits > RSA_KEY_MAX_BITS) {
    throw new KeyhavenError('WIRE_MALFORMED', `RSA key of ${RSA_KEY_MIN_BITS} to ${RSA_KEY_MAX_BITS} bits`)
  }
  return key
}

function publicKeyOf(object: KeyObject): RsaPublicKey {
  const key = {
    modulusBits: object.asymmetricKeyDetails?.modulusLength ?? 0,
    spki: plainBytes(object.export({ format: 'der', type: 'spki' })),
  }
  publicObjects.set(key, object)
  return key
}

function privateKeyOf(object: KeyObject): RsaPrivateKey {
  const key = { publicKey: publicKeyOf(createPublicKey(object)) }
  privateObjects.set(key, object)
  return key
}

function encryptOaep(key: RsaPublicKey, plaintext: Uint8Array, mgf1: Mgf1Hash = 'SHA-256'): Uint8Array {
  const object = publicObject(key)
  if (mgf1 === 'SHA-1') {
    // OpenSSL can hash OAEP and MGF1 differently, node:crypto cannot say so.
    const bytes = Math.ceil(key.modulusBits / BITS_PER_BYTE)
    const block = encodeOaep(plaintext, randomBytes(SHA256_BYTES), bytes, mgf1)
    const ciphertext = plainBytes(publicEncrypt({ key: object, ...RAW }, block))
    overwrite(block)
    return ciphertext
  }
  try {
    return plainBytes(publicEncrypt({ key: object, ...OAEP }, plaintext))
  } catch {
    throw new KeyhavenError('INPUT_INVALID', 'the plaintext is too long for this RSA key')
  }
}

/** On a thread of the pool, but for SHA-1. */
async function decryptOaep(
  key: RsaPrivateKey,
  ciphertext: Uint8Array,
  mgf1: Mgf1Hash = 'SHA-256',
): Promise<Uint8Array> {
  if (mgf1 === 'SHA-1') return decryptOaepSha1(key, ciphertext)
  const oaepKey = await oaepKeyOf(key)
  try {
    return new Uint8Array(await subtle.decrypt(OAEP_ALGORITHM, oaepKey, plainBytes(ciphertext)))
  } catch {
    throw openFailed()
  }
}

function decryptOaepSha1(key: RsaPrivateKey, ciphertext: Uint8Array): Uint8Array {
  const object = privateObject(key)
  let block: Uint8Array
  try {
    block = plainBytes(privateDecrypt({ key: object, ...RAW }, ciphertext))
  } catch {
    throw openFailed()
  }
  try {
    return decodeOaep(block, 'SHA-1')
  } finally {
    overwrite(block)
  }
}

/** Made when a key first decrypts. */
async function oaepKeyOf(key: RsaPrivateKey): Promise<webcrypto.CryptoKey> {
  const known = oaepKeys.get(key)
  if (known !== undefined) return known
  const pkcs8 = privateObject(key).export({ format: 'der', type: 'pkcs8' })
  try {
    const made = await subtle.importKey('pkcs8', pkcs8, OAEP_ALGORITHM, false, ['decrypt'])
    oaepKeys.set(key, made)
    return made
  } finally {
    overwrite(pkcs8)
  }
}

function verifyPkcs1(key: RsaPublicKey, signature: Uint8Array, data: Uint8Array): boolean {
  const object = publicObject(key)
  try {
    return nodeVerify('sha256', data, { key: object, ...PKCS1 }, signature)
  } catch {
    return false
  }
}

export const nodeRsa: Rsa = {
  async generateKeyPair(modulusLength) {
    return privateKeyOf((await generateRsaKeyPair(modulusLength)).privateKey)
  },
  importPublicKey: (spki) =>
    publicKeyOf(checked(() => createPublicKey({ key: plainBuffer(spki), format: 'der', type: 'spki' }))),
  importPrivateKey(pkcs8) {
    const key = plainBuffer(pkcs8)
    return privateKeyOf(checked(() => createPrivateKey({ key, format: 'der', type: 'pkcs8' })))
  },
  exportPrivateKey: (key) => plainBytes(privateObject(key).export({ format: 'der', type: 'pkcs8' })),
  encryptOaep,
  decryptOaep,
  signPkcs1: async (key, data) =>
    plainBytes(await signOnThread('sha256', data, { key: privateObject(key), ...PKCS1 })),
  verifyPkcs1,
}

/** The same memory: no copy of a secret more than must be. */
function plainBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
