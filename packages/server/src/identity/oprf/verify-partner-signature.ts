import { constants, createPublicKey, publicDecrypt, timingSafeEqual } from 'node:crypto'

/** DigestInfo of SHA-256 before the digest (RFC 8017 §9.2, note 1). */
const SHA256_PREFIX = Buffer.from('3031300d060960864801650304020105000420', 'hex')

/**
 * Verifies RSASSA-PKCS1-v1_5 with SHA-256 over data of which only the digest is known (RFC 8017 §8.2.2): the
 * oblivious PRF learns that a partner has signed a request, and nothing that is in it.
 *
 * @param spki - the partner's public key, DER.
 * @param digest - SHA-256 of the signed bytes, 32 bytes.
 */
export function verifySignatureOfDigest(
  spki: Uint8Array,
  signature: Uint8Array,
  digest: Uint8Array,
): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    const info = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature)
    const expected = Buffer.concat([SHA256_PREFIX, digest])
    return info.length === expected.length && timingSafeEqual(info, expected)
  } catch {
    return false
  }
}
