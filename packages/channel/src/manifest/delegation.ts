import {
  type CryptoBackend,
  decodeJwsHeader,
  fromBase64url,
  type Jwk,
  jwkThumbprint,
  KeyhavenError,
  type SigningKey,
  signCompactJws,
  verifyCompactJws,
} from '@keyhaven/crypto'
import {
  publicEd25519Jwk,
  readEpoch,
  readLifetime,
  readObject,
  readText,
  requireSeconds,
} from './read-payload.ts'

/** JWS `typ` of a delegation: what is signed names its own format, so no other signature can pass for it. */
export const DELEGATION_TYP = 'keyhaven-delegation+jws'
/** A stolen manifest key stops being of use after at most this long. */
export const DELEGATION_MAX_LIFETIME_SECONDS = 90 * 24 * 60 * 60
/** Compact JWS of a delegation; ours are about 600 bytes. */
export const DELEGATION_MAX_BYTES = 4_096
/** An app ships one root thumbprint and one spare; a few more for a change of hands. */
export const ROOT_THUMBPRINTS_MAX = 8

/**
 * What a root key signs: "this key may sign the manifests of that application". docs/formats.md,
 * "Delegation".
 */
export interface Delegation {
  readonly application: string
  /** Integer from 0; a manifest of a higher epoch overrides every sequence of a lower one. */
  readonly epoch: number
  /** Public Ed25519 JWK of the manifest key. */
  readonly key: Jwk
  /** Seconds since the epoch. */
  readonly issued: number
  /** Seconds since the epoch; at most {@link DELEGATION_MAX_LIFETIME_SECONDS} after `issued`. */
  readonly expires: number
}

/**
 * Signs a delegation with a root key. The root key can live offline: this needs no network and no clock.
 *
 * @returns compact JWS (RFC 7515 §7.1), with the root's public key in its header.
 * @throws KeyhavenError `MANIFEST_INVALID` if a member is missing or the lifetime is over 90 days.
 */
export async function signDelegation(
  backend: CryptoBackend,
  rootKey: SigningKey,
  delegation: Delegation,
): Promise<string> {
  const payload = readDelegation(delegation)
  const header = { typ: DELEGATION_TYP, jwk: publicEd25519Jwk(rootKey.publicKey.jwk) }
  return signCompactJws(backend, rootKey, header, payload)
}

/** What a verifier expects of a delegation or a manifest. */
export interface TrustExpectation {
  readonly application: string
  /** RFC 7638 thumbprints (SHA-256, base64url) of the root keys that the app ships. */
  readonly rootThumbprints: readonly string[]
  /** Seconds since the epoch. */
  readonly now: number
}

/**
 * Verifies a delegation against the root thumbprints that an app ships.
 *
 * The root key travels in the header and counts only if its thumbprint is one of ours. `issued` in the future
 * is accepted: a device whose clock is slow must be able to make its first call, and nobody but the root can
 * date it.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID` (another root, a bad signature), `MANIFEST_INVALID` (another
 *   application, a malformed member, over 90 days), `MANIFEST_EXPIRED`.
 */
export async function verifyDelegation(
  backend: CryptoBackend,
  jws: string,
  expected: TrustExpectation,
): Promise<Delegation> {
  requireSeconds(expected.now)
  if (expected.rootThumbprints.length === 0 || expected.rootThumbprints.length > ROOT_THUMBPRINTS_MAX) {
    throw new TypeError(`rootThumbprints must hold 1 to ${ROOT_THUMBPRINTS_MAX} thumbprints`)
  }
  requireSize(jws, DELEGATION_MAX_BYTES)
  const header = readObject(decodeJwsHeader(jws), 'delegation header')
  const jwk = publicEd25519Jwk(header.jwk)
  if (!expected.rootThumbprints.includes(await jwkThumbprint(backend, jwk))) {
    throw new KeyhavenError(
      'SIGNATURE_INVALID',
      'the delegation is signed by a root key that this app does not trust',
    )
  }
  const rootKey = await backend.signatures.importVerifyKey('EdDSA', jwk)
  const payload = await verifyCompactJws(backend, rootKey, jws, {
    typ: DELEGATION_TYP,
    maxBytes: DELEGATION_MAX_BYTES,
  })
  const delegation = readDelegation(payload)
  if (delegation.application !== expected.application) {
    throw new KeyhavenError('MANIFEST_INVALID', 'the delegation is for another application')
  }
  if (expected.now >= delegation.expires) {
    throw new KeyhavenError(
      'MANIFEST_EXPIRED',
      'the delegation has expired: its root key has to sign a new one',
    )
  }
  return delegation
}

/**
 * Reads a delegation without verifying it: for the one who just installs it, or to show it.
 *
 * @returns what it says, and the root key that claims to have signed it.
 * @throws KeyhavenError `MANIFEST_INVALID`.
 */
export function decodeDelegation(jws: string): { readonly delegation: Delegation; readonly rootKey: Jwk } {
  requireSize(jws, DELEGATION_MAX_BYTES)
  const header = readObject(decodeJwsHeader(jws), 'delegation header')
  let payload: unknown
  try {
    payload = JSON.parse(new TextDecoder().decode(fromBase64url(jws.split('.')[1] ?? '')))
  } catch (cause) {
    throw new KeyhavenError('MANIFEST_INVALID', 'the delegation is not a compact JWS of JSON', { cause })
  }
  return { delegation: readDelegation(payload), rootKey: publicEd25519Jwk(header.jwk) }
}

export function requireSize(jws: unknown, maxBytes: number): asserts jws is string {
  if (typeof jws !== 'string' || jws === '') throw new KeyhavenError('MANIFEST_INVALID', 'not a compact JWS')
  if (jws.length > maxBytes) throw new KeyhavenError('WIRE_TOO_LARGE', `a JWS over ${maxBytes} bytes`)
}

function readDelegation(value: unknown): Delegation {
  const payload = readObject(value, 'delegation')
  return {
    application: readText(payload, 'application'),
    epoch: readEpoch(payload, 'epoch'),
    key: publicEd25519Jwk(payload.key),
    ...readLifetime(payload, 1, DELEGATION_MAX_LIFETIME_SECONDS),
  }
}
