import { createHmac, hash } from 'node:crypto'
import { overwrite } from '../overwrite.ts'
import { requireExpandLength } from '../require-length.ts'
import { SHA256_BYTES } from '../suite.ts'
import { hmacSha256 } from './hmac.ts'
import { plainBytes } from './plain-bytes.ts'

export function sha256(data: Uint8Array): Uint8Array {
  return plainBytes(hash('sha256', data, 'buffer'))
}

/**
 * RFC 5869 §2.2: HMAC with the salt as key. An absent salt and 32 zero bytes are one key, since HMAC pads
 * with zeros.
 */
export function hkdfExtract(salt: Uint8Array, inputKeyMaterial: Uint8Array): Uint8Array {
  return hmacSha256(salt, inputKeyMaterial)
}

/** RFC 5869 §2.3. */
export function hkdfExpand(pseudoRandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  requireExpandLength(length)
  const blocks = Math.ceil(length / SHA256_BYTES)
  const output = new Uint8Array(length)
  let block: Uint8Array = new Uint8Array(0)
  for (let counter = 1; counter <= blocks; counter++) {
    const next = createHmac('sha256', pseudoRandomKey)
      .update(block)
      .update(info)
      .update(Uint8Array.of(counter))
      .digest()
    overwrite(block)
    block = next
    const at = (counter - 1) * SHA256_BYTES
    output.set(block.subarray(0, length - at), at)
  }
  overwrite(block)
  return output
}
