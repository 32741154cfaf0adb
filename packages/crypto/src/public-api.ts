// What every entry point exports, whatever the runtime. The backends differ, the names do not.
export type {
  AeadKey,
  AeadName,
  Awaitable,
  CryptoBackend,
  Hpke,
  HpkeSuite,
  Jwk,
  Kem,
  KemKeyPair,
  KemName,
  KemPrivateKey,
  KemPublicKey,
  LegacyRsa,
  RecipientContext,
  RsaOaep,
  SenderContext,
  SignatureAlgorithm,
  Signatures,
  SigningKey,
  VerifyKey,
} from './backend.ts'
export { fromBase64, toBase64 } from './base64.ts'
export { fromBase64url, toBase64url } from './base64url.ts'
export {
  decodeJwsHeader,
  type JwsExpectation,
  MAX_COMPACT_JWS_BYTES,
  signCompactJws,
  verifyCompactJws,
} from './compact-jws.ts'
export { equalConstantTime } from './equal-constant-time.ts'
export { type ErrorCode, KeyhavenError } from './error.ts'
export { fromHex, toHex } from './hex.ts'
export { jwkThumbprint, requiredPublicMembers } from './jwk-thumbprint.ts'
export {
  kemPrivateKeyFromJwk,
  kemPrivateKeyToJwk,
  kemPublicKeyFromJwk,
  kemPublicKeyToJwk,
} from './kem-jwk.ts'
export { nearestName } from './nearest-name.ts'
export { decodeOaep } from './oaep.ts'
export { openFailed } from './open-failed.ts'
export { overwrite } from './overwrite.ts'
export { padmeLength } from './padme.ts'
export { randomId } from './random-id.ts'
export { readAtMost } from './read-at-most.ts'
export { Reader } from './reader.ts'
export type { Aes256Gcm, Mgf1Hash, Rsa, RsaModulusBits, RsaPrivateKey, RsaPublicKey } from './rsa.ts'
export {
  AEAD_IDS,
  AEAD_KEY_BYTES,
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  aeadById,
  KDF_HKDF_SHA256,
  KEM_ENCAPSULATED_KEY_BYTES,
  KEM_IDS,
  KEM_PRIVATE_KEY_BYTES,
  KEM_PUBLIC_KEY_BYTES,
  kemById,
  SHA256_BYTES,
} from './suite.ts'
export { fromUtf8, utf8 } from './utf8.ts'
export { varintBytes, Writer } from './writer.ts'
