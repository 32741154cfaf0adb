import type { Awaitable } from './awaitable.ts'
import type { Aes256Gcm, Rsa } from './rsa.ts'

export type { Awaitable } from './awaitable.ts'

export type KemName = 'x-wing' | 'x25519' | 'p-256'
export type AeadName = 'aes-256-gcm' | 'aes-128-gcm' | 'chacha20-poly1305'
export type SignatureAlgorithm = 'EdDSA' | 'ES256' | 'PS256'

/** An HPKE suite in base mode (RFC 9180 §7); the KDF is always HKDF-SHA256 (0x0001). */
export interface HpkeSuite {
  readonly kem: KemName
  readonly aead: AeadName
}

/** An imported KEM public key: import once, keep, use often. */
export interface KemPublicKey {
  readonly kem: KemName
  /** As HPKE serialises it: x-wing 1216 bytes, x25519 32, p-256 65 (uncompressed). */
  readonly bytes: Uint8Array
}

/** An imported KEM private key. Its bytes are not reachable; see {@link Kem.exportPrivateKey}. */
export interface KemPrivateKey {
  readonly kem: KemName
  readonly publicKey: KemPublicKey
}

export interface KemKeyPair {
  readonly publicKey: KemPublicKey
  readonly privateKey: KemPrivateKey
}

export interface Kem {
  generateKeyPair(kem: KemName): Awaitable<KemKeyPair>
  /** @throws KeyhavenError `WIRE_MALFORMED` on a wrong length or a point that is not on the curve. */
  importPublicKey(kem: KemName, bytes: Uint8Array): Awaitable<KemPublicKey>
  /** Bytes as HPKE serialises them: x-wing 32-byte seed, x25519 32, p-256 32-byte scalar. */
  importPrivateKey(kem: KemName, bytes: Uint8Array): Awaitable<KemPrivateKey>
  /** A fresh copy, for wrapping at rest; the caller overwrites it after use. */
  exportPrivateKey(key: KemPrivateKey): Awaitable<Uint8Array>
}

export interface AeadKey {
  readonly aead: AeadName
  /** @returns ciphertext with the 16-byte tag at its end. */
  seal(nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Awaitable<Uint8Array>
  /** @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
  open(nonce: Uint8Array, ciphertext: Uint8Array, aad: Uint8Array): Awaitable<Uint8Array>
}

/** One direction of one HPKE exchange (RFC 9180 §5.2); the sequence number advances with each call. */
export interface SenderContext {
  /** Encapsulated key: x-wing 1120 bytes, x25519 32, p-256 65. */
  readonly enc: Uint8Array
  seal(plaintext: Uint8Array, aad: Uint8Array): Awaitable<Uint8Array>
  /** RFC 9180 §5.3. */
  export(exporterContext: Uint8Array, length: number): Awaitable<Uint8Array>
}

export interface RecipientContext {
  /**
   * @throws KeyhavenError `OPEN_FAILED`, whatever the reason. A failure leaves the sequence number as it
   * was.
   */
  open(ciphertext: Uint8Array, aad: Uint8Array): Awaitable<Uint8Array>
  export(exporterContext: Uint8Array, length: number): Awaitable<Uint8Array>
}

export interface Hpke {
  /**
   * @param ephemeral - only for vectors: the ephemeral private key (DHKEM) or the 64-byte randomness
   * (x-wing).
   * @throws KeyhavenError `UNSUPPORTED` where the backend has no deterministic encapsulation;
   * `WIRE_MALFORMED` on a public key of low order.
   */
  setupSender(
    suite: HpkeSuite,
    publicKey: KemPublicKey,
    info: Uint8Array,
    ephemeral?: Uint8Array,
  ): Awaitable<SenderContext>
  /**
   * @throws KeyhavenError `OPEN_FAILED` on an encapsulated key of the wrong length or that does not
   * decapsulate.
   */
  setupRecipient(
    suite: HpkeSuite,
    privateKey: KemPrivateKey,
    enc: Uint8Array,
    info: Uint8Array,
  ): Awaitable<RecipientContext>
}

/** A JSON Web Key (RFC 7517), public or private, as plain JSON. */
export type Jwk = Readonly<Record<string, string | readonly string[] | boolean | undefined>>

export interface VerifyKey {
  readonly algorithm: SignatureAlgorithm
  /** Public JWK with only its required members. */
  readonly jwk: Jwk
}

export interface SigningKey {
  readonly algorithm: SignatureAlgorithm
  readonly publicKey: VerifyKey
}

export interface Signatures {
  generateKeyPair(algorithm: SignatureAlgorithm): Awaitable<SigningKey>
  importVerifyKey(algorithm: SignatureAlgorithm, jwk: Jwk): Awaitable<VerifyKey>
  importSigningKey(algorithm: SignatureAlgorithm, jwk: Jwk): Awaitable<SigningKey>
  /** Private JWK, for wrapping at rest. */
  exportSigningKey(key: SigningKey): Awaitable<Jwk>
  /** EdDSA: RFC 8032, 64 bytes. ES256: r ‖ s, 64 bytes. PS256: SHA-256, MGF1 SHA-256, 32-byte salt. */
  sign(key: SigningKey, data: Uint8Array): Awaitable<Uint8Array>
  /** @returns false on any malformed or wrong signature; never throws for one. */
  verify(key: VerifyKey, signature: Uint8Array, data: Uint8Array): Awaitable<boolean>
}

/** RSA-OAEP with SHA-256 and MGF1-SHA-256, empty label (RFC 8017 §7.1). */
export interface RsaOaep {
  generateKeyPair(modulusBits: 2048 | 3072 | 4096): Awaitable<{ publicKey: Jwk; privateKey: Jwk }>
  encrypt(publicKey: Jwk, plaintext: Uint8Array): Awaitable<Uint8Array>
  /** @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
  decrypt(privateKey: Jwk, ciphertext: Uint8Array): Awaitable<Uint8Array>
}

/**
 * RSA with keys of exactly 1024 bits and the exponent 65537, for the profile `rsa1024-legacy` and nothing
 * else: such keys can be broken by whoever spends enough. Keys are plain JWKs; keep the object, it is
 * imported once. Every method throws KeyhavenError `WIRE_MALFORMED` on another key, `UNSUPPORTED` in the
 * noble backend.
 */
export interface LegacyRsa {
  generateKeyPair(): Awaitable<{ publicKey: Jwk; privateKey: Jwk }>
  /** RSASSA-PKCS1-v1_5 with SHA-256, RS256 (RFC 8017 §8.2). @returns 128 bytes. */
  signSha256(privateKey: Jwk, data: Uint8Array): Awaitable<Uint8Array>
  /** @returns false on any malformed or wrong signature. */
  verifySha256(publicKey: Jwk, signature: Uint8Array, data: Uint8Array): Awaitable<boolean>
  /**
   * Renewal only: RSASSA-PKCS1-v1_5 with SHA-1. It is given nothing else to sign than the new key.
   *
   * @param spki - SubjectPublicKeyInfo (RFC 5280 §4.1) of the new public key, DER.
   */
  signSha1(privateKey: Jwk, spki: Uint8Array): Awaitable<Uint8Array>
  /** @returns false on any malformed or wrong signature. */
  verifySha1(publicKey: Jwk, signature: Uint8Array, spki: Uint8Array): Awaitable<boolean>
  /** RSA-OAEP as in {@link RsaOaep}; at most 62 bytes. @throws KeyhavenError `INPUT_INVALID` on more. */
  encrypt(publicKey: Jwk, plaintext: Uint8Array): Awaitable<Uint8Array>
  /** @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
  decrypt(privateKey: Jwk, ciphertext: Uint8Array): Awaitable<Uint8Array>
}

/** What every runtime must give us. Three implementations: `./node`, `./web`, `./noble`. */
export interface CryptoBackend {
  readonly name: 'node' | 'webcrypto' | 'noble'
  /** Whether `hpke.setupSender` accepts `ephemeral`: node for the DHKEMs, noble for x-wing too. */
  readonly deterministicEncapsulation: boolean
  randomBytes(length: number): Uint8Array
  sha256(data: Uint8Array): Awaitable<Uint8Array>
  hmacSha256(key: Uint8Array, data: Uint8Array): Awaitable<Uint8Array>
  /** RFC 5869 §2.2. @returns 32 bytes. */
  hkdfExtract(salt: Uint8Array, inputKeyMaterial: Uint8Array): Awaitable<Uint8Array>
  /** RFC 5869 §2.3. */
  hkdfExpand(pseudoRandomKey: Uint8Array, info: Uint8Array, length: number): Awaitable<Uint8Array>
  /** RFC 7748 §6.1. @throws KeyhavenError `OPEN_FAILED` on an all-zero result. */
  x25519(privateKey: Uint8Array, publicKey: Uint8Array): Awaitable<Uint8Array>
  importAeadKey(aead: AeadName, key: Uint8Array): Awaitable<AeadKey>
  readonly kem: Kem
  readonly hpke: Hpke
  readonly signatures: Signatures
  readonly rsaOaep: RsaOaep
  readonly legacyRsa: LegacyRsa
  readonly rsa: Rsa
  /** @param key - 32 bytes; not copied. @throws KeyhavenError `UNSUPPORTED` in the noble backend. */
  aes256Gcm(key: Uint8Array): Aes256Gcm
}
