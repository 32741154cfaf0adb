import { randomFillSync } from 'node:crypto'

/** A call to the system's generator costs microseconds, so small requests are served from a pool. */
const POOL_BYTES = 8_192
const LARGEST_POOLED_BYTES = 512

const pool = new Uint8Array(POOL_BYTES)
let used = POOL_BYTES

/** Each byte of the pool is given out once and overwritten there. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  if (length > LARGEST_POOLED_BYTES) return randomFillSync(new Uint8Array(length))
  if (used + length > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const end = used + length
  const bytes = pool.slice(used, end)
  pool.fill(0, used, end)
  used = end
  return bytes
}
