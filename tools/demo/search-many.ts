import { forms } from './eavesdropper.ts'

/** Shorter ones would be found by chance. */
const MIN_BYTES = 6
const PAIRS = 65_536

/**
 * Looks for thousands of texts at once, each as it is, in hex and in Base64 wherever it begins.
 *
 * @param secrets - of at least 6 bytes each.
 * @returns how often any of them is in the bytes.
 */
export function createSearch(
  secrets: Iterable<string | Uint8Array>,
): (parts: Iterable<Buffer>) => { readonly found: number; readonly bytes: number } {
  // The first four bytes say which texts may begin here; two tables of bits say quickly that none does.
  const [first, second] = [new Uint8Array(PAIRS), new Uint8Array(PAIRS)]
  const wanted = new Map<number, Buffer[]>()
  for (const secret of secrets) {
    if (Buffer.from(secret).length < MIN_BYTES) throw new TypeError('too short to be searched for')
    for (const form of forms(secret)) {
      first[form.readUInt16LE(0)] = 1
      second[form.readUInt16LE(2)] = 1
      const start = form.readUInt32LE(0)
      wanted.set(start, [...(wanted.get(start) ?? []), form])
    }
  }
  const begins = (bytes: Buffer, at: number): boolean => {
    const candidates = wanted.get(bytes.readUInt32LE(at)) ?? []
    return candidates.some((form) => bytes.subarray(at, at + form.length).equals(form))
  }
  return (parts) => {
    let [found, total] = [0, 0]
    for (const bytes of parts) {
      total += bytes.length
      for (let at = 0; at + MIN_BYTES <= bytes.length; at += 1) {
        if (first[bytes[at]! | (bytes[at + 1]! << 8)] === 0) continue
        if (second[bytes[at + 2]! | (bytes[at + 3]! << 8)] === 0) continue
        if (begins(bytes, at)) found += 1
      }
    }
    return { found, bytes: total }
  }
}
