import { sha1 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { KeyhavenError } from './error.ts'
import { openFailed } from './open-failed.ts'
import { overwrite } from './overwrite.ts'
import type { Mgf1Hash } from './rsa.ts'
import { SHA256_BYTES } from './suite.ts'

/** 0x00 ‖ seed ‖ hash of the empty label ‖ … ‖ 0x01 ‖ message (RFC 8017 §7.1.1). */
const SEED_AT = 1
const BLOCK_AT = SEED_AT + SHA256_BYTES
export const OAEP_OVERHEAD_BYTES = 2 * SHA256_BYTES + 2
const SEPARATOR = 0x01
const EMPTY_LABEL_HASH = sha256(new Uint8Array(0))
const HASHES = { 'SHA-256': sha256, 'SHA-1': sha1 } as const
const COUNTER_BYTES = 4
const SIGN_SHIFT = 31

/**
 * EME-OAEP encoding with SHA-256 and an empty label (RFC 8017 §7.1.1 step 2): what the raw RSA operation
 * takes.
 *
 * @param seed - 32 random bytes.
 * @param modulusBytes - length of the block.
 * @throws KeyhavenError `INPUT_INVALID` if the message is too long.
 */
export function encodeOaep(
  message: Uint8Array,
  seed: Uint8Array,
  modulusBytes: number,
  mgf1: Mgf1Hash = 'SHA-256',
): Uint8Array<ArrayBuffer> {
  if (message.length > modulusBytes - OAEP_OVERHEAD_BYTES) {
    throw new KeyhavenError('INPUT_INVALID', 'the plaintext is too long for this RSA key')
  }
  const encoded = new Uint8Array(modulusBytes)
  const maskedSeed = encoded.subarray(SEED_AT, BLOCK_AT)
  const block = encoded.subarray(BLOCK_AT)
  maskedSeed.set(seed)
  block.set(EMPTY_LABEL_HASH)
  block[block.length - message.length - 1] = SEPARATOR
  block.set(message, block.length - message.length)
  mgf1Xor(block, maskedSeed, mgf1)
  mgf1Xor(maskedSeed, block, mgf1)
  return encoded
}

/**
 * EME-OAEP decoding with SHA-256 and an empty label (RFC 8017 §7.1.2 step 3), for modules that only give the
 * result of the raw RSA operation. No branch and no index depends on the block before all checks are made,
 * so that failures look alike; the length of a good message shows.
 *
 * @param encoded - as many bytes as the modulus has; not changed.
 * @throws KeyhavenError `OPEN_FAILED`, whatever the reason.
 */
export function decodeOaep(encoded: Uint8Array, mgf1: Mgf1Hash = 'SHA-256'): Uint8Array<ArrayBuffer> {
  if (encoded.length < OAEP_OVERHEAD_BYTES) throw openFailed()
  const copy = Uint8Array.from(encoded)
  const seed = copy.subarray(SEED_AT, BLOCK_AT)
  const block = copy.subarray(BLOCK_AT)
  mgf1Xor(seed, block, mgf1)
  mgf1Xor(block, seed, mgf1)
  let bad = copy[0]!
  for (let at = 0; at < SHA256_BYTES; at++) bad |= block[at]! ^ EMPTY_LABEL_HASH[at]!
  let separatorAt = 0
  let found = 0
  for (let at = SHA256_BYTES; at < block.length; at++) {
    const byte = block[at]!
    const isZero = (byte - 1) >>> SIGN_SHIFT
    const isSeparator = ((byte ^ SEPARATOR) - 1) >>> SIGN_SHIFT
    separatorAt |= -(isSeparator & (found ^ 1)) & at
    bad |= (found ^ 1) & (isZero ^ 1) & (isSeparator ^ 1)
    found |= isSeparator
  }
  const message = block.slice(separatorAt + 1)
  overwrite(copy)
  if ((bad | (found ^ 1)) !== 0) {
    overwrite(message)
    throw openFailed()
  }
  return message
}

/** XORs MGF1 of a seed into the target (RFC 8017 §B.2.1). */
export function mgf1Xor(target: Uint8Array, seed: Uint8Array, mgf1: Mgf1Hash = 'SHA-256'): void {
  const hash = HASHES[mgf1]
  const input = new Uint8Array(seed.length + COUNTER_BYTES)
  const counter = new DataView(input.buffer, seed.length)
  input.set(seed)
  for (let at = 0; at < target.length; at += hash.outputLen) {
    counter.setUint32(0, at / hash.outputLen)
    const block = hash(input)
    const end = Math.min(target.length - at, block.length)
    for (let index = 0; index < end; index++) target[at + index]! ^= block[index]!
  }
  overwrite(input)
}
