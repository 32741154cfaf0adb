import { createHmac, hash } from 'node:crypto'
import { overwrite } from '../overwrite.ts'
import { SHA256_BYTES } from '../suite.ts'
import { plainBytes } from './plain-bytes.ts'

/** Of SHA-256 (RFC 2104 §2, B). */
const BLOCK_BYTES = 64
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c
/** A longer key would be hashed first; for more data the one-shot calls save nothing. */
const MAX_SHORT_KEY_BYTES = BLOCK_BYTES
const MAX_SHORT_DATA_BYTES = 256

/**
 * Used again by each call, because memory outside V8's heap costs as much as a hash. Overwritten after it.
 */
const inner = Buffer.alloc(BLOCK_BYTES + MAX_SHORT_DATA_BYTES)
const outer = Buffer.alloc(BLOCK_BYTES + SHA256_BYTES)

/**
 * HMAC-SHA-256 (RFC 2104 §2) as two one-shot hashes, H(K ⊕ opad ‖ H(K ⊕ ipad ‖ text)): an `Hmac` object of
 * node:crypto costs more than the hashing in it.
 */
export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  if (key.length > MAX_SHORT_KEY_BYTES || data.length > MAX_SHORT_DATA_BYTES) {
    return plainBytes(createHmac('sha256', key).update(data).digest())
  }
  for (let at = 0; at < BLOCK_BYTES; at++) {
    const byte = at < key.length ? key[at]! : 0
    inner[at] = byte ^ INNER_PAD
    outer[at] = byte ^ OUTER_PAD
  }
  inner.set(data, BLOCK_BYTES)
  const message = inner.subarray(0, BLOCK_BYTES + data.length)
  // A string is quicker made than a buffer. It need not be overwritten: without the key nothing follows from
  // it.
  outer.write(hash('sha256', message, 'latin1'), BLOCK_BYTES, 'latin1')
  const result = plainBytes(hash('sha256', outer, 'buffer'))
  overwrite(message, outer)
  return result
}
