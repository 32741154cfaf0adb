import type { RsaOaep } from '../backend.ts'
import { equalConstantTime } from '../equal-constant-time.ts'
import { KeyhavenError } from '../error.ts'
import { openFailed } from '../open-failed.ts'
import { overwrite } from '../overwrite.ts'
import { randomBytes } from '../random-values.ts'
import { SHA256_BYTES } from '../suite.ts'
import { sha256 } from './hkdf.ts'
import { mgf1Xor } from './mgf1.ts'
import {
  rsaPrivateNumbers,
  rsaPrivateOperation,
  rsaPublicNumbers,
  rsaPublicOperation,
  toFixedBytes,
  toNumber,
} from './rsa-number.ts'

/** 0x00 ‖ seed ‖ hash of the empty label ‖ … ‖ 0x01 ‖ message (RFC 8017 §7.1.1). */
const SEED_AT = 1
const BLOCK_AT = SEED_AT + SHA256_BYTES
const OVERHEAD_BYTES = 2 * SHA256_BYTES + 2
const SEPARATOR = 0x01
const EMPTY_LABEL_HASH = sha256(new Uint8Array(0))

/**
 * RSAES-OAEP on BigInt, for runtimes with nothing better. It makes no keys: finding primes here takes
 * seconds.
 */
export const nobleRsaOaep: RsaOaep = {
  generateKeyPair() {
    throw new KeyhavenError('UNSUPPORTED', 'RSA keys are not made without native cryptography')
  },

  /** RFC 8017 §7.1.1. */
  encrypt(jwk, plaintext) {
    const key = rsaPublicNumbers(jwk)
    if (plaintext.length > key.modulusBytes - OVERHEAD_BYTES) {
      throw new KeyhavenError('INPUT_INVALID', 'the plaintext is too long for this RSA key')
    }
    const encoded = new Uint8Array(key.modulusBytes)
    const seed = encoded.subarray(SEED_AT, BLOCK_AT)
    const block = encoded.subarray(BLOCK_AT)
    seed.set(randomBytes(SHA256_BYTES))
    block.set(EMPTY_LABEL_HASH)
    block[block.length - plaintext.length - 1] = SEPARATOR
    block.set(plaintext, block.length - plaintext.length)
    mgf1Xor(block, seed)
    mgf1Xor(seed, block)
    const ciphertext = rsaPublicOperation(key, toNumber(encoded))
    overwrite(encoded)
    return toFixedBytes(ciphertext, key.modulusBytes)
  },

  /** RFC 8017 §7.1.2: every check is made before any answer, so that the failures look alike. */
  decrypt(jwk, ciphertext) {
    const key = rsaPrivateNumbers(jwk)
    const value = toNumber(ciphertext)
    if (ciphertext.length !== key.modulusBytes || value >= key.n) throw openFailed()
    const encoded = toFixedBytes(rsaPrivateOperation(key, value), key.modulusBytes)
    const seed = encoded.subarray(SEED_AT, BLOCK_AT)
    const block = encoded.subarray(BLOCK_AT)
    mgf1Xor(seed, block)
    mgf1Xor(block, seed)
    const padding = block.subarray(SHA256_BYTES)
    let separatorAt = 0
    let found = 0
    let bad = encoded[0]!
    for (let at = 0; at < padding.length; at++) {
      const isSeparator = Number(padding[at] === SEPARATOR)
      const isZero = Number(padding[at] === 0)
      separatorAt += (1 - found) * isSeparator * at
      bad |= (1 - found) * (1 - isSeparator) * (1 - isZero)
      found |= isSeparator
    }
    const labelMatches = equalConstantTime(block.subarray(0, SHA256_BYTES), EMPTY_LABEL_HASH)
    const plaintext = padding.slice(separatorAt + 1)
    overwrite(encoded)
    if ((bad | (1 - found) | (1 - Number(labelMatches))) !== 0) {
      overwrite(plaintext)
      throw openFailed()
    }
    return plaintext
  },
}
