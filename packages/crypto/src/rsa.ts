import type { Awaitable } from './awaitable.ts'

/** Sizes of the RSA keys that we make. */
export type RsaModulusBits = 2048 | 3072 | 4096
/** What MGF1 of OAEP hashes with (RFC 8017 §B.2.1); the hash of OAEP itself is always SHA-256. */
export type Mgf1Hash = 'SHA-256' | 'SHA-1'

/** Plain data; keep the object, it is imported once. */
export interface RsaPublicKey {
  readonly modulusBits: number
  /** SubjectPublicKeyInfo (RFC 5280 §4.1), DER. */
  readonly spki: Uint8Array
}

/** Its numbers are not reachable; see {@link Rsa.exportPrivateKey}. */
export interface RsaPrivateKey {
  readonly publicKey: RsaPublicKey
}

/**
 * RSA as X.509 and MOSIP use it: keys of 2048 to 8192 bits as DER, OAEP with SHA-256 and an empty label,
 * signatures RSASSA-PKCS1-v1_5 with SHA-256 (RS256). The noble backend throws `UNSUPPORTED`.
 */
export interface Rsa {
  /** Public exponent 65537; on Node made off the event loop. */
  generateKeyPair(modulusBits: RsaModulusBits): Promise<RsaPrivateKey>
  /** @throws KeyhavenError `WIRE_MALFORMED` if it is no RSA key of an accepted size. */
  importPublicKey(spki: Uint8Array): Awaitable<RsaPublicKey>
  /** @param pkcs8 - PrivateKeyInfo (RFC 5208 §5), DER; not kept. Throws as {@link importPublicKey}. */
  importPrivateKey(pkcs8: Uint8Array): Awaitable<RsaPrivateKey>
  /** PKCS#8 DER, a fresh copy, for wrapping at rest; the caller overwrites it after use. */
  exportPrivateKey(key: RsaPrivateKey): Awaitable<Uint8Array>
  /**
   * RFC 8017 §7.1.1.
   *
   * @param mgf1 - default SHA-256; SHA-1 (which WebCrypto cannot, `UNSUPPORTED`) is for MOSIP's Android
   * clients.
   * @throws KeyhavenError `INPUT_INVALID` if the plaintext is too long for the key.
   */
  encryptOaep(key: RsaPublicKey, plaintext: Uint8Array, mgf1?: Mgf1Hash): Awaitable<Uint8Array>
  /** RFC 8017 §7.1.2. @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
  decryptOaep(key: RsaPrivateKey, ciphertext: Uint8Array, mgf1?: Mgf1Hash): Awaitable<Uint8Array>
  /** RFC 8017 §8.2.1. @returns as many bytes as the modulus has. */
  signPkcs1(key: RsaPrivateKey, data: Uint8Array): Awaitable<Uint8Array>
  /** RFC 8017 §8.2.2. @returns false on any malformed or wrong signature. */
  verifyPkcs1(key: RsaPublicKey, signature: Uint8Array, data: Uint8Array): Awaitable<boolean>
}

/**
 * AES-256-GCM with a 16-byte tag at the end of the ciphertext, for formats whose IVs are not 12 bytes long
 * (NIST SP 800-38D §8.2.2): 12 to 64 bytes. Everything else uses `importAeadKey`.
 */
export interface Aes256Gcm {
  /** @throws TypeError on an IV of another length. */
  seal(iv: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array): Awaitable<Uint8Array>
  /** @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
  open(iv: Uint8Array, ciphertext: Uint8Array, aad?: Uint8Array): Awaitable<Uint8Array>
}

export const RSA_KEY_MIN_BITS = 2_048
export const RSA_KEY_MAX_BITS = 8_192
export const GCM_IV_MIN_BYTES = 12
export const GCM_IV_MAX_BYTES = 64

/** @throws TypeError */
export function requireGcmIv(iv: Uint8Array): void {
  if (iv.length < GCM_IV_MIN_BYTES || iv.length > GCM_IV_MAX_BYTES) {
    throw new TypeError(`IV must be ${GCM_IV_MIN_BYTES} to ${GCM_IV_MAX_BYTES} bytes, not ${iv.length}`)
  }
}
