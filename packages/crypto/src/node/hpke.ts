import type {
  AeadName,
  Hpke,
  HpkeSuite,
  KemPrivateKey,
  KemPublicKey,
  RecipientContext,
  SenderContext,
} from '../backend.ts'
import { KeyhavenError } from '../error.ts'
import { labeledInfo } from '../hpke-labels.ts'
import { openFailed } from '../open-failed.ts'
import { overwrite } from '../overwrite.ts'
import { isUncompressedPoint } from '../p256-point.ts'
import { requireExportLength } from '../require-length.ts'
import { AEAD_KEY_BYTES, AEAD_NONCE_BYTES, KEM_ENCAPSULATED_KEY_BYTES } from '../suite.ts'
import { aeadOpen, aeadSeal } from './aead.ts'
import type { Encapsulation } from './dhkem.ts'
import { hkdfExpand } from './hkdf.ts'
import { hmacSha256 } from './hmac.ts'
import { decapsulateWith, encapsulateTo } from './kem.ts'
import { NodeKemPrivateKey, NodeKemPublicKey } from './kem-keys.ts'
import { type KeySchedule, keyScheduleOf } from './key-schedule.ts'

/**
 * Bytes of the nonce that count messages; a double is exact in the low seven, and 2^53 messages are never
 * reached.
 */
const LAST_NONCE_BYTE = AEAD_NONCE_BYTES - 1
const BYTE_VALUES = 256

/** What both roles share (RFC 9180 §5.2). */
class HpkeContext {
  readonly #aead: AeadName
  readonly #schedule: KeySchedule
  readonly #key: Uint8Array
  readonly #baseNonce: Uint8Array
  /** Until the first export the secret that it is derived from: many exchanges never export. */
  #exporterSecret: Uint8Array
  #exporterDerived = false
  #sequence = 0

  /** @param sharedSecret - overwritten here. */
  constructor(suite: HpkeSuite, sharedSecret: Uint8Array, info: Uint8Array) {
    const schedule = keyScheduleOf(suite, info)
    const secret = hmacSha256(sharedSecret, schedule.secretMessage)
    this.#aead = suite.aead
    this.#schedule = schedule
    this.#key = hmacSha256(secret, schedule.keyMessage).subarray(0, AEAD_KEY_BYTES[suite.aead])
    this.#baseNonce = hmacSha256(secret, schedule.nonceMessage).subarray(0, AEAD_NONCE_BYTES)
    this.#exporterSecret = secret
    overwrite(sharedSecret)
  }

  seal(plaintext: Uint8Array, aad: Uint8Array): Uint8Array {
    const sealed = aeadSeal(this.#aead, this.#key, this.#nonce(), plaintext, aad)
    this.#sequence++
    return sealed
  }

  open(ciphertext: Uint8Array, aad: Uint8Array): Uint8Array {
    const plaintext = aeadOpen(this.#aead, this.#key, this.#nonce(), ciphertext, aad)
    this.#sequence++
    return plaintext
  }

  /** RFC 9180 §5.3. */
  export(exporterContext: Uint8Array, length: number): Uint8Array {
    requireExportLength(length)
    if (!this.#exporterDerived) {
      const secret = this.#exporterSecret
      this.#exporterSecret = hmacSha256(secret, this.#schedule.exporterMessage)
      this.#exporterDerived = true
      overwrite(secret)
    }
    const info = labeledInfo(this.#schedule.suiteId, 'sec', exporterContext, length)
    return hkdfExpand(this.#exporterSecret, info, length)
  }

  /** Base nonce XOR sequence number, big-endian (RFC 9180 §5.2). */
  #nonce(): Uint8Array {
    const nonce = Uint8Array.from(this.#baseNonce)
    let rest = this.#sequence
    for (let at = LAST_NONCE_BYTE; rest > 0; at--) {
      nonce[at]! ^= rest % BYTE_VALUES
      rest = Math.floor(rest / BYTE_VALUES)
    }
    return nonce
  }
}

class NodeSenderContext implements SenderContext {
  readonly enc: Uint8Array
  readonly #context: HpkeContext

  constructor(enc: Uint8Array, context: HpkeContext) {
    this.enc = enc
    this.#context = context
  }

  seal(plaintext: Uint8Array, aad: Uint8Array): Uint8Array {
    return this.#context.seal(plaintext, aad)
  }

  export(exporterContext: Uint8Array, length: number): Uint8Array {
    return this.#context.export(exporterContext, length)
  }
}

class NodeRecipientContext implements RecipientContext {
  readonly #context: HpkeContext

  constructor(context: HpkeContext) {
    this.#context = context
  }

  open(ciphertext: Uint8Array, aad: Uint8Array): Uint8Array {
    return this.#context.open(ciphertext, aad)
  }

  export(exporterContext: Uint8Array, length: number): Uint8Array {
    return this.#context.export(exporterContext, length)
  }
}

function setupSender(
  suite: HpkeSuite,
  publicKey: KemPublicKey,
  info: Uint8Array,
  ephemeral?: Uint8Array,
): SenderContext {
  if (!(publicKey instanceof NodeKemPublicKey)) throw new TypeError('not a public key of this backend')
  if (publicKey.kem !== suite.kem) throw new TypeError('the public key is of another KEM than the suite')
  const { sharedSecret, enc } = encapsulated(publicKey, ephemeral)
  return new NodeSenderContext(enc, new HpkeContext(suite, sharedSecret, info))
}

/** A point of low order can be imported; that its result is all zero shows only now. */
function encapsulated(publicKey: NodeKemPublicKey, ephemeral?: Uint8Array): Encapsulation {
  try {
    return encapsulateTo(publicKey, ephemeral)
  } catch (error) {
    if (error instanceof KeyhavenError) throw error
    throw new KeyhavenError('WIRE_MALFORMED', 'the public key is not usable')
  }
}

function setupRecipient(
  suite: HpkeSuite,
  privateKey: KemPrivateKey,
  enc: Uint8Array,
  info: Uint8Array,
): RecipientContext {
  if (!(privateKey instanceof NodeKemPrivateKey)) throw new TypeError('not a private key of this backend')
  if (privateKey.kem !== suite.kem) throw new TypeError('the private key is of another KEM than the suite')
  if (enc.length !== KEM_ENCAPSULATED_KEY_BYTES[suite.kem]) throw openFailed()
  if (suite.kem === 'p-256' && !isUncompressedPoint(enc)) throw openFailed()
  let sharedSecret: Uint8Array
  try {
    sharedSecret = decapsulateWith(privateKey, enc)
  } catch {
    throw openFailed()
  }
  return new NodeRecipientContext(new HpkeContext(suite, sharedSecret, info))
}

/** RFC 9180 in base mode over node:crypto, synchronous: this is the server's hot path. */
export const nodeHpke: Hpke = { setupSender, setupRecipient }
