import {
  createCipheriv,
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import {
  type BareMessage,
  bareOpenX25519,
  bareOpenXWing,
  bareSealX25519,
  bareSealXWing,
} from './crypto-bare.ts'

/** As long as the real ones: labelled exporter messages, and the salt of the response key (RFC 9458 §4.4). */
const EXPORTER_MESSAGE = Buffer.alloc(88)
const EXPORT_MESSAGE = Buffer.alloc(60)
const KEY_INFO = Buffer.from('key\x01')
const NONCE_INFO = Buffer.from('nonce\x01')
const RESPONSE_NONCE_BYTES = 32
const NONCE_BYTES = 12
const MESSAGES = 2_000
const ROUNDS = 5

export type BareSuite = 'x25519' | 'x-wing'

/**
 * The limit of one exchange at the server: the calls into node:crypto that opening a request and sealing its
 * answer cannot do without.
 *
 * @returns processor time in microseconds, the median of the rounds.
 */
export function bareExchangeMicroseconds(suite: BareSuite, plaintext: Uint8Array): number {
  const { messages, open } = prepare(suite, plaintext)
  const rounds: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const before = process.cpuUsage()
    for (const message of messages) {
      open(message)
      answer(message.enc, plaintext)
    }
    const { user, system } = process.cpuUsage(before)
    // The first round warms up.
    if (round > 0) rounds.push((user + system) / messages.length)
  }
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1]!
}

function prepare(
  suite: BareSuite,
  plaintext: Uint8Array,
): { messages: BareMessage[]; open: (message: BareMessage) => Uint8Array } {
  const x25519 = generateKeyPairSync('x25519')
  if (suite === 'x25519') {
    const seal = () => bareSealX25519(x25519.publicKey, plaintext)
    return {
      messages: Array.from({ length: MESSAGES }, seal),
      open: (message) => bareOpenX25519(x25519.privateKey, message),
    }
  }
  const mlKem = generateKeyPairSync('ml-kem-768')
  const publicHalves = { mlKem: mlKem.publicKey, x25519: x25519.publicKey }
  const privateHalves = { mlKem: seeded(mlKem.privateKey), x25519: x25519.privateKey }
  return {
    messages: Array.from({ length: MESSAGES }, () => bareSealXWing(publicHalves, plaintext)),
    open: (message) => bareOpenXWing(privateHalves, message),
  }
}

/** A key as the server has it: read from its encoding, not fresh from its making. */
function seeded(key: KeyObject): KeyObject {
  return createPrivateKey({ key: key.export({ type: 'pkcs8', format: 'der' }), type: 'pkcs8', format: 'der' })
}

function answer(enc: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const exporterSecret = hmac(enc.subarray(0, 32), EXPORTER_MESSAGE)
  const secret = hmac(exporterSecret, EXPORT_MESSAGE)
  const salt = Buffer.allocUnsafe(enc.length + RESPONSE_NONCE_BYTES)
  const pseudoRandomKey = hmac(salt, secret)
  const key = hmac(pseudoRandomKey, KEY_INFO)
  const nonce = hmac(pseudoRandomKey, NONCE_INFO).subarray(0, NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const ciphertext = cipher.update(plaintext)
  cipher.final()
  cipher.getAuthTag()
  return ciphertext
}

function hmac(key: Uint8Array, message: Uint8Array): Buffer {
  return createHmac('sha256', key).update(message).digest()
}
