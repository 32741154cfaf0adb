import { fromBase64url, type Jwk, KeyhavenError } from '@keyhaven/crypto'

const ED25519_PUBLIC_KEY_BYTES = 32
const TEXT_MAX_CHARACTERS = 128
/** Later than the year 5000: whoever passes this meant milliseconds. */
const SECONDS_MAX = 100_000_000_000

/** @throws KeyhavenError `MANIFEST_INVALID` unless `value` is a JSON object. */
export function readObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${what} must be an object`)
  }
  return value as Record<string, unknown>
}

export function readText(payload: Readonly<Record<string, unknown>>, name: string): string {
  const value = payload[name]
  if (typeof value !== 'string' || value === '' || value.length > TEXT_MAX_CHARACTERS) {
    throw invalid(`${name} must be a text of 1 to ${TEXT_MAX_CHARACTERS} characters`)
  }
  return value
}

/** A counter: epoch or sequence. */
export function readEpoch(payload: Readonly<Record<string, unknown>>, name: string): number {
  const value = payload[name]
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw invalid(`${name} must be an integer from 0`)
  return value as number
}

export function readSeconds(payload: Readonly<Record<string, unknown>>, name: string): number {
  const value = payload[name]
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > SECONDS_MAX) {
    throw invalid(`${name} must be in whole seconds since the epoch`)
  }
  return value as number
}

export function readLifetime(
  payload: Readonly<Record<string, unknown>>,
  minSeconds: number,
  maxSeconds: number,
): { readonly issued: number; readonly expires: number } {
  const issued = readSeconds(payload, 'issued')
  const expires = readSeconds(payload, 'expires')
  const lifetime = expires - issued
  if (lifetime < minSeconds || lifetime > maxSeconds) {
    throw invalid(`a lifetime of ${lifetime} s; allowed are ${minSeconds} to ${maxSeconds} s`)
  }
  return { issued, expires }
}

/**
 * The public Ed25519 JWK (RFC 8037 §2) with only its required members.
 *
 * @throws KeyhavenError `MANIFEST_INVALID` on another kind of key, and on a private one: it has no business
 *   here.
 */
export function publicEd25519Jwk(value: unknown): Jwk {
  const jwk = readObject(value, 'the signing key')
  if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || typeof jwk.x !== 'string') {
    throw invalid('the signing key must be an Ed25519 JWK')
  }
  if (jwk.d !== undefined) throw invalid('the signing key must be public')
  if (decodeBase64url(jwk.x, 'the signing key').length !== ED25519_PUBLIC_KEY_BYTES) {
    throw invalid(`an Ed25519 public key has ${ED25519_PUBLIC_KEY_BYTES} bytes`)
  }
  return { kty: 'OKP', crv: 'Ed25519', x: jwk.x }
}

export function decodeBase64url(text: string, what: string): Uint8Array {
  try {
    return fromBase64url(text)
  } catch (cause) {
    throw new KeyhavenError('MANIFEST_INVALID', `${what} is not base64url`, { cause })
  }
}

/** @throws TypeError if the caller passed milliseconds. */
export function requireSeconds(now: number): void {
  if (!Number.isFinite(now) || now < 0 || now > SECONDS_MAX)
    throw new TypeError('now is in seconds since the epoch')
}

export function invalid(message: string): KeyhavenError {
  return new KeyhavenError('MANIFEST_INVALID', message)
}
