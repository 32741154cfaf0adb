import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  hash,
  type KeyObject,
} from 'node:crypto'

/**
 * The limit: the calls into node:crypto that one HPKE message cannot do without, one after the other, with
 * every message of the key schedule made up front, no check, no copy, no object around them. Its bytes are
 * of no use to anybody.
 */
export interface BareMessage {
  readonly enc: Uint8Array
  readonly ciphertext: Uint8Array
  readonly tag: Uint8Array
}

const ML_KEM_CIPHERTEXT_BYTES = 1_088
const X25519_BYTES = 32
/** RFC 9180 §5.1: as long as the real labelled messages of X25519 with a 40-byte info. */
const SECRET_MESSAGE = Buffer.alloc(23)
const KEY_MESSAGE = Buffer.alloc(88)
const NONCE_MESSAGE = Buffer.alloc(95)
const NONCE_BYTES = 12
const COMBINER_INPUT = Buffer.alloc(134)

export interface XWingHalves {
  readonly mlKem: KeyObject
  readonly x25519: KeyObject
}

export function bareSealX25519(publicKey: KeyObject, plaintext: Uint8Array): BareMessage {
  const { sharedKey, ciphertext } = encapsulate(publicKey)
  return seal(sharedKey, ciphertext, plaintext)
}

export function bareOpenX25519(privateKey: KeyObject, message: BareMessage): Uint8Array {
  return open(decapsulate(privateKey, message.enc), message)
}

export function bareSealXWing(publicKey: XWingHalves, plaintext: Uint8Array): BareMessage {
  const { ciphertext } = encapsulate(publicKey.mlKem)
  const ephemeral = generateKeyPairSync('x25519')
  const point = ephemeral.publicKey.export({ format: 'raw-public' })
  diffieHellman({ privateKey: ephemeral.privateKey, publicKey: publicKey.x25519 })
  const sharedKey = hash('sha3-256', COMBINER_INPUT, 'buffer')
  const enc = Buffer.allocUnsafe(ML_KEM_CIPHERTEXT_BYTES + X25519_BYTES)
  enc.set(ciphertext)
  enc.set(point, ML_KEM_CIPHERTEXT_BYTES)
  return seal(sharedKey, enc, plaintext)
}

export function bareOpenXWing(privateKey: XWingHalves, message: BareMessage): Uint8Array {
  decapsulate(privateKey.mlKem, message.enc.subarray(0, ML_KEM_CIPHERTEXT_BYTES))
  const publicKey = createPublicKey({
    key: message.enc.subarray(ML_KEM_CIPHERTEXT_BYTES),
    format: 'raw-public',
    asymmetricKeyType: 'x25519',
  })
  diffieHellman({ privateKey: privateKey.x25519, publicKey })
  return open(hash('sha3-256', COMBINER_INPUT, 'buffer'), message)
}

function seal(sharedKey: Uint8Array, enc: Uint8Array, plaintext: Uint8Array): BareMessage {
  const { key, nonce } = schedule(sharedKey)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const ciphertext = cipher.update(plaintext)
  cipher.final()
  return { enc, ciphertext, tag: cipher.getAuthTag() }
}

function open(sharedKey: Uint8Array, { ciphertext, tag }: BareMessage): Uint8Array {
  const { key, nonce } = schedule(sharedKey)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce)
  decipher.setAuthTag(tag)
  const plaintext = decipher.update(ciphertext)
  decipher.final()
  return plaintext
}

function schedule(sharedKey: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  const secret = createHmac('sha256', sharedKey).update(SECRET_MESSAGE).digest()
  const key = createHmac('sha256', secret).update(KEY_MESSAGE).digest()
  const nonce = createHmac('sha256', secret).update(NONCE_MESSAGE).digest().subarray(0, NONCE_BYTES)
  return { key, nonce }
}
