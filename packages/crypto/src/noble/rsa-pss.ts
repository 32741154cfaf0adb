import { equalConstantTime } from '../equal-constant-time.ts'
import { mgf1Xor } from '../oaep.ts'
import { randomBytes } from '../random-values.ts'
import { SHA256_BYTES } from '../suite.ts'
import { Writer } from '../writer.ts'
import { sha256 } from './hkdf.ts'
import {
  type RsaPrivateNumbers,
  type RsaPublicNumbers,
  rsaPrivateOperation,
  rsaPublicOperation,
  toFixedBytes,
  toNumber,
} from './rsa-number.ts'

const SALT_BYTES = 32
const TRAILER = 0xbc
const SEPARATOR = 0x01
const ZERO_PADDING = new Uint8Array(8)
const BITS_PER_BYTE = 8

/** RSASSA-PSS-SIGN (RFC 8017 §8.1.1) with SHA-256 and a 32-byte salt. */
export function pssSign(key: RsaPrivateNumbers, data: Uint8Array): Uint8Array {
  const { encodedBytes, topMask } = encodedShape(key)
  const salt = randomBytes(SALT_BYTES)
  const encoded = new Uint8Array(encodedBytes)
  const block = encoded.subarray(0, encodedBytes - SHA256_BYTES - 1)
  const digest = saltedDigest(data, salt)
  block[block.length - SALT_BYTES - 1] = SEPARATOR
  block.set(salt, block.length - SALT_BYTES)
  mgf1Xor(block, digest)
  block[0]! &= topMask
  encoded.set(digest, block.length)
  encoded[encodedBytes - 1] = TRAILER
  return toFixedBytes(rsaPrivateOperation(key, toNumber(encoded)), key.modulusBytes)
}

/** RSASSA-PSS-VERIFY (RFC 8017 §8.1.2). */
export function pssVerify(key: RsaPublicNumbers, signature: Uint8Array, data: Uint8Array): boolean {
  const value = toNumber(signature)
  if (signature.length !== key.modulusBytes || value >= key.n) return false
  const { encodedBytes, topMask } = encodedShape(key)
  const representative = rsaPublicOperation(key, value)
  if (representative >> BigInt(encodedBytes * BITS_PER_BYTE) !== 0n) return false
  const encoded = toFixedBytes(representative, encodedBytes)
  const block = encoded.subarray(0, encodedBytes - SHA256_BYTES - 1)
  const digest = encoded.subarray(block.length, -1)
  if (encoded[encodedBytes - 1] !== TRAILER || (block[0]! & ~topMask) !== 0) return false
  mgf1Xor(block, digest)
  block[0]! &= topMask
  const separatorAt = block.length - SALT_BYTES - 1
  if (block.subarray(0, separatorAt).some((byte) => byte !== 0) || block[separatorAt] !== SEPARATOR)
    return false
  return equalConstantTime(digest, saltedDigest(data, block.subarray(separatorAt + 1)))
}

/**
 * emBits is one less than the modulus' bits (RFC 8017 §8.1.1): bytes of the encoding, and the bits used of
 * its first.
 */
function encodedShape(key: RsaPublicNumbers): { encodedBytes: number; topMask: number } {
  const bits = key.n.toString(2).length - 1
  const encodedBytes = Math.ceil(bits / BITS_PER_BYTE)
  return { encodedBytes, topMask: 0xff >> (encodedBytes * BITS_PER_BYTE - bits) }
}

/** Hash of eight zero bytes ‖ hash of the data ‖ salt (RFC 8017 §9.1.1, steps 5 and 6). */
function saltedDigest(data: Uint8Array, salt: Uint8Array): Uint8Array {
  return sha256(new Writer().bytes(ZERO_PADDING).bytes(sha256(data)).bytes(salt).done())
}
