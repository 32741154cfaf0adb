import type { RsaOaep } from '../backend.ts'
import { KeyhavenError } from '../error.ts'
import { decodeOaep, encodeOaep } from '../oaep.ts'
import { openFailed } from '../open-failed.ts'
import { overwrite } from '../overwrite.ts'
import { randomBytes } from '../random-values.ts'
import { SHA256_BYTES } from '../suite.ts'
import {
  rsaPrivateNumbers,
  rsaPrivateOperation,
  rsaPublicNumbers,
  rsaPublicOperation,
  toFixedBytes,
  toNumber,
} from './rsa-number.ts'

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
    const encoded = encodeOaep(plaintext, randomBytes(SHA256_BYTES), key.modulusBytes)
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
    try {
      return decodeOaep(encoded)
    } finally {
      overwrite(encoded)
    }
  },
}
