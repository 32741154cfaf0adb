/**
 * The Padmé size of a message: the smallest length, at or over `length`, whose binary form has only as many
 * significant bits as the length's own exponent needs. At most 12 % is added, and a message of up to 2^n
 * bytes shows only O(log n) bits of its length.
 *
 * Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", §4.
 *
 * @param length - bytes, a whole number.
 * @returns bytes.
 */
export function padmeLength(length: number): number {
  if (length < 2) return length
  const exponent = Math.floor(Math.log2(length))
  const significantBits = Math.floor(Math.log2(exponent || 1)) + 1
  const step = 2 ** Math.max(0, exponent - significantBits)
  return Math.ceil(length / step) * step
}
