import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Marks an API token in code reviews and secret scanners. */
export const TOKEN_PREFIX = 'kh_'
const SECRET_BYTES = 32
/** Longer than any token; a longer header is not worth hashing. */
export const MAX_TOKEN_CHARS = 200

/** 256 random bits, base64url. */
export function randomSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

/** A new API token: prefix and 256 random bits. */
export function newToken(): string {
  return TOKEN_PREFIX + randomSecret()
}

/** What is stored of a secret of 256 random bits: SHA-256 is enough, there is nothing to guess. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** Compares two hashes in constant time. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
