import type { CryptoBackend } from '@keyhaven/crypto'
import { KeyhavenError } from '@keyhaven/crypto'

/** Keys of one generation of a pool (zkcrypto.random.key.generate.count of MOSIP). */
export const POOL_KEYS = 10_000
/** The index travels as a Java int, so it ends at 2^31 − 1. */
export const MAX_POOL_INDEX = 0x7fff_ffff
/** Two random bytes below this are uniform modulo {@link POOL_KEYS}: the largest multiple in 2^16. */
const UNIFORM_LIMIT = 60_000

/** Generations count from 0, and a new one takes new numbers: 10,000 × generation + n. */
export function generationOf(index: number): number {
  return Math.floor(index / POOL_KEYS)
}

/** The first index of a generation. @throws KeyhavenError `INPUT_INVALID` beyond the last one. */
export function firstIndexOf(generation: number): number {
  const first = generation * POOL_KEYS
  if (Number.isSafeInteger(generation) && generation >= 0 && first + POOL_KEYS - 1 <= MAX_POOL_INDEX) {
    return first
  }
  throw new KeyhavenError('INPUT_INVALID', 'there is no such generation of pool keys')
}

/** A uniform index of the generation, by rejection: MOSIP draws it from a generator that can be predicted. */
export function drawPoolIndex(backend: Pick<CryptoBackend, 'randomBytes'>, generation: number): number {
  const first = firstIndexOf(generation)
  for (;;) {
    const [high = 0, low = 0] = backend.randomBytes(2)
    const value = high * 0x100 + low
    if (value < UNIFORM_LIMIT) return first + (value % POOL_KEYS)
  }
}

/** @throws KeyhavenError `WIRE_MALFORMED` on a text that is no index, such as `007` or `-1`. */
export function parsePoolIndex(text: string): number {
  const index = /^(0|[1-9]\d{0,9})$/.test(text) ? Number(text) : Number.NaN
  if (index <= MAX_POOL_INDEX) return index
  throw new KeyhavenError('WIRE_MALFORMED', 'pool key index')
}
