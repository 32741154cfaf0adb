import { AEAD_IDS, type HpkeSuite, KEM_PUBLIC_KEY_BYTES, KeyhavenError } from '@keyhaven/crypto'
import {
  decodeBase64url,
  invalid,
  readEpoch,
  readLifetime,
  readObject,
  readSeconds,
  readText,
} from './read-payload.ts'

/** JWS `typ` of a manifest. */
export const MANIFEST_TYP = 'keyhaven-manifest+jws'
/** Media type of `GET …/manifest`: a JWS in compact serialisation (RFC 7515 §9.2.1). */
export const MANIFEST_MEDIA_TYPE = 'application/jose'
export const MANIFEST_MAX_LIFETIME_SECONDS = 24 * 60 * 60
export const MANIFEST_MIN_LIFETIME_SECONDS = 10 * 60
export const MANIFEST_MAX_KEYS = 32
/** Compact JWS of a manifest; 32 X-Wing keys make about 72 KiB. */
export const MANIFEST_MAX_BYTES = 131_072

const KEY_ID_MAX = 255
const PUBLIC_KEY_BYTES: ReadonlyMap<string, number> = new Map(Object.entries(KEM_PUBLIC_KEY_BYTES))

/** One key that the gateway opens. */
export interface ManifestKey {
  /** OHTTP key id, 0 to 255, unique in the manifest (RFC 9458 §3). */
  readonly id: number
  readonly suite: HpkeSuite
  /** KEM public key as HPKE serialises it, base64url. */
  readonly publicKey: string
  readonly state: 'active' | 'retiring'
  /** Seconds since the epoch; from then on the key is not used. */
  readonly end?: number
}

/** Which keys seal to an application, signed by the key its delegation names. docs/formats.md, "Manifest". */
export interface Manifest {
  readonly application: string
  /** Equals the delegation's. */
  readonly epoch: number
  /** Integer from 0; grows with each change inside one epoch. */
  readonly sequence: number
  /** Seconds since the epoch. */
  readonly issued: number
  /** Seconds since the epoch; 10 minutes to 24 hours after `issued`, never after the delegation's end. */
  readonly expires: number
  /** Preferred first; 1 to {@link MANIFEST_MAX_KEYS}. */
  readonly keys: readonly ManifestKey[]
}

/** Where a manifest stands in the order of manifests: by epoch, then by sequence. */
export interface ManifestPosition {
  readonly epoch: number
  readonly sequence: number
}

/** @returns negative if `a` is older than `b`, 0 if they are the same, positive if `a` is newer. */
export function compareManifests(a: ManifestPosition, b: ManifestPosition): number {
  return a.epoch - b.epoch || a.sequence - b.sequence
}

/**
 * Checks and copies a manifest's payload. A key of a suite that this version does not know is left out, so
 * that a server can add one before every app knows it.
 *
 * @throws KeyhavenError `MANIFEST_INVALID`; `UNSUPPORTED` if no key is left.
 */
export function readManifest(value: unknown): Manifest {
  const payload = readObject(value, 'manifest')
  const listed = payload.keys
  if (!Array.isArray(listed) || listed.length === 0 || listed.length > MANIFEST_MAX_KEYS) {
    throw invalid(`a manifest has 1 to ${MANIFEST_MAX_KEYS} keys`)
  }
  const ids = new Set<number>()
  const keys = listed.map((entry) => readManifestKey(entry, ids)).filter((key) => key !== undefined)
  if (keys.length === 0) {
    throw new KeyhavenError(
      'UNSUPPORTED',
      'this app knows none of the suites in the manifest: update the app',
    )
  }
  return {
    application: readText(payload, 'application'),
    epoch: readEpoch(payload, 'epoch'),
    sequence: readEpoch(payload, 'sequence'),
    ...readLifetime(payload, MANIFEST_MIN_LIFETIME_SECONDS, MANIFEST_MAX_LIFETIME_SECONDS),
    keys,
  }
}

function readManifestKey(value: unknown, ids: Set<number>): ManifestKey | undefined {
  const entry = readObject(value, 'a key of the manifest')
  const id = readEpoch(entry, 'id')
  if (id > KEY_ID_MAX) throw invalid(`a key id is at most ${KEY_ID_MAX}`)
  if (ids.has(id)) throw invalid(`key id ${id} is listed twice`)
  ids.add(id)
  const { state } = entry
  if (state !== 'active' && state !== 'retiring') throw invalid('a key is active or retiring')
  const suite = readObject(entry.suite, 'suite')
  const kem = readText(suite, 'kem')
  const aead = readText(suite, 'aead')
  const publicKey = entry.publicKey
  if (typeof publicKey !== 'string') throw invalid('publicKey must be base64url')
  const bytes = decodeBase64url(publicKey, 'publicKey')
  const end = entry.end === undefined ? undefined : readSeconds(entry, 'end')
  const length = PUBLIC_KEY_BYTES.get(kem)
  if (length === undefined || !Object.hasOwn(AEAD_IDS, aead)) return undefined
  if (bytes.length !== length) throw invalid(`a public key of ${kem} has ${length} bytes`)
  const key = { id, suite: { kem, aead } as HpkeSuite, publicKey, state } as const
  return end === undefined ? key : { ...key, end }
}
