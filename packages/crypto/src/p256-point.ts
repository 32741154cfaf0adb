const UNCOMPRESSED_POINT = 0x04

/**
 * HPKE knows only the uncompressed form (RFC 9180 §7.1.1). OpenSSL also takes the hybrid one (SEC 1 §2.3.3,
 * first byte 6 or 7), which would give one point two encodings.
 */
export function isUncompressedPoint(bytes: Uint8Array): boolean {
  return bytes[0] === UNCOMPRESSED_POINT
}

/** The order of P-256 (SP 800-186 §3.2.1.3), big-endian. */
const ORDER = Uint8Array.of(
  0xff,
  0xff,
  0xff,
  0xff,
  0x00,
  0x00,
  0x00,
  0x00,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xbc,
  0xe6,
  0xfa,
  0xad,
  0xa7,
  0x17,
  0x9e,
  0x84,
  0xf3,
  0xb9,
  0xca,
  0xc2,
  0xfc,
  0x63,
  0x25,
  0x51,
)

/** Whether 0 < scalar < order; node:crypto does not look. Without a branch on the secret. */
export function isPrivateScalar(scalar: Uint8Array): boolean {
  let any = 0
  let borrow = 0
  for (let at = ORDER.length - 1; at >= 0; at--) {
    any |= scalar[at]!
    borrow = (scalar[at]! - ORDER[at]! - borrow) >>> 31
  }
  return any !== 0 && borrow === 1
}
