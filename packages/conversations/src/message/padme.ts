/**
 * The Padmé size of a frame: at most 12 % more, and O(log n) bits of its length are left to see (Nikitin et
 * al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", §4).
 *
 * @param length - bytes, a whole number.
 */
export function padmeLength(length: number): number {
  if (length < 2) return length
  const exponent = 31 - Math.clz32(length)
  const significantBits = 32 - Math.clz32(exponent || 1)
  const step = 2 ** Math.max(0, exponent - significantBits)
  return Math.ceil(length / step) * step
}
