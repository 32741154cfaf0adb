const SEQUENCE = 0x30
const INTEGER = 0x02
const BIT_STRING = 0x03
const VERSION = 0xa0
const LONG_FORM = 0x80
const MAX_LENGTH_BYTES = 2

interface Element {
  readonly tag: number
  readonly start: number
  readonly content: number
  readonly end: number
}

/**
 * Whether the part of a certificate that its signature does not cover has its only possible encoding (RFC
 * 5280 §4.1: DER, and the algorithm outside equal to the one inside). Otherwise anybody could make a second
 * certificate of a signed one, with another thumbprint, that no list of revoked thumbprints knows.
 */
export function isStrictCertificate(der: Uint8Array): boolean {
  try {
    const whole = read(der, 0, SEQUENCE)
    const signed = read(der, whole.content, SEQUENCE)
    const algorithm = read(der, signed.end, SEQUENCE)
    const signature = read(der, algorithm.end, BIT_STRING)
    if (whole.end !== der.length || signature.end !== whole.end || der[signature.content] !== 0) return false
    const version = der[signed.content] === VERSION ? read(der, signed.content, VERSION).end : signed.content
    const inner = read(der, read(der, version, INTEGER).end, SEQUENCE)
    return isSame(der.subarray(inner.start, inner.end), der.subarray(algorithm.start, algorithm.end))
  } catch {
    return false
  }
}

/** One element with a definite length in its shortest form. */
function read(der: Uint8Array, start: number, tag: number): Element {
  if (der[start] !== tag) throw new RangeError('tag')
  const first = der[start + 1] ?? LONG_FORM
  let length = first
  let content = start + 2
  if (first >= LONG_FORM) {
    const bytes = first - LONG_FORM
    if (bytes < 1 || bytes > MAX_LENGTH_BYTES) throw new RangeError('length')
    length = 0
    for (const end = content + bytes; content < end; content++) length = (length << 8) | (der[content] ?? 0)
    if (length < LONG_FORM || (bytes > 1 && length < 1 << (8 * (bytes - 1)))) throw new RangeError('length')
  }
  const end = content + length
  if (end > der.length) throw new RangeError('length')
  return { tag, start, content, end }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
