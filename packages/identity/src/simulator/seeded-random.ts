/** Numbers that a seed decides: for made-up people and templates, never for keys. */
export interface SeededRandom {
  /** 0 to below 2^32. */
  next(): number
  /** 0 to below `limit`. */
  below(limit: number): number
  pick<T>(items: readonly T[]): T
  bytes(length: number): Uint8Array
}

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193
const TWO_32 = 2 ** 32
const WARM_UP_ROUNDS = 12

/** sfc32 (Chris Doty-Humphrey), its state filled from the text by FNV-1a. */
export function seededRandom(seed: string): SeededRandom {
  let hash = FNV_OFFSET
  for (let at = 0; at < seed.length; at++) hash = Math.imul(hash ^ seed.charCodeAt(at), FNV_PRIME)
  let [a, b, c, counter] = [hash, Math.imul(hash, FNV_PRIME), hash ^ FNV_OFFSET, 1]
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < WARM_UP_ROUNDS; round++) next()
  const below = (limit: number): number => Math.floor((next() / TWO_32) * limit)
  return {
    next,
    below,
    pick: (items) => items[below(items.length)]!,
    bytes(length) {
      const bytes = new Uint8Array(length)
      for (let at = 0; at < length; at += 4) {
        const word = next()
        for (let byte = 0; byte < 4 && at + byte < length; byte++) bytes[at + byte] = word >>> (8 * byte)
      }
      return bytes
    },
  }
}
