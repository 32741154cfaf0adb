import { fromBase64url, type Jwk, KeyhavenError, Writer } from '@keyhaven/crypto'

/** DER tags (X.690 §8). */
const SEQUENCE = 0x30
const INTEGER = 0x02
const BIT_STRING = 0x03
/** AlgorithmIdentifier of rsaEncryption with NULL parameters (RFC 8017 Appendix A.1). */
const RSA_ALGORITHM = Uint8Array.of(
  ...[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00],
)
/** AlgorithmIdentifier of Ed25519 (RFC 8410 §3). */
const ED25519_ALGORITHM = Uint8Array.of(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70)
const NO_UNUSED_BITS = 0
const SHORT_LENGTH_MAX = 0x7f
const ONE_BYTE_LENGTH_MAX = 0xff
const TOP_BIT = 0x80

/**
 * SubjectPublicKeyInfo in DER (RFC 5280 §4.1) of an RSA or Ed25519 public key.
 *
 * @throws KeyhavenError `RECORD_INVALID` on another kind of key.
 */
export function subjectPublicKeyInfo(jwk: Jwk): Uint8Array {
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
    return der(SEQUENCE, ED25519_ALGORITHM, bitString(member(jwk, 'x')))
  }
  if (jwk.kty !== 'RSA') throw new KeyhavenError('RECORD_INVALID', 'no RSA or Ed25519 key')
  const rsaPublicKey = der(SEQUENCE, unsigned(member(jwk, 'n')), unsigned(member(jwk, 'e')))
  return der(SEQUENCE, RSA_ALGORITHM, bitString(rsaPublicKey))
}

function bitString(bytes: Uint8Array): Uint8Array {
  return der(BIT_STRING, Uint8Array.of(NO_UNUSED_BITS), bytes)
}

/** A leading zero byte keeps the number positive. */
function unsigned(bytes: Uint8Array): Uint8Array {
  return (bytes[0]! & TOP_BIT) !== 0 ? der(INTEGER, Uint8Array.of(0), bytes) : der(INTEGER, bytes)
}

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const writer = new Writer().u8(tag)
  if (length <= SHORT_LENGTH_MAX) writer.u8(length)
  else if (length <= ONE_BYTE_LENGTH_MAX) writer.u8(TOP_BIT | 1).u8(length)
  else writer.u8(TOP_BIT | 2).u16(length)
  for (const part of parts) writer.bytes(part)
  return writer.done()
}

function member(jwk: Jwk, name: string): Uint8Array {
  const value = jwk[name]
  if (typeof value !== 'string') throw new KeyhavenError('RECORD_INVALID', `JWK member ${name}`)
  return fromBase64url(value)
}
