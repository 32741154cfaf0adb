import {
  type CryptoBackend,
  type Jwk,
  jwkThumbprint,
  KeyhavenError,
  toBase64url,
  utf8,
} from '@keyhaven/crypto'
import { type OpenedJws, openChainJws, signChainJws } from './chain-jws.ts'
import type { ChainSigner } from './chain-signer.ts'
import { MAX_CHAIN_ENTRIES, MAX_ENTRY_BYTES } from './limits.ts'
import { isApplicationId, isDeviceId, isHash, isReason, isUsername } from './names.ts'
import type { PayloadFields } from './payload-fields.ts'

export const ENTRY_TYP = 'keyhaven-entry+jws'

interface EntryCommon {
  readonly v: 1
  readonly application: string
  readonly username: string
  /** 0, one more with each reset. */
  readonly chain: number
  /** From 0 over all chains of the user; never restarts. */
  readonly sequence: number
  /** Hash of the previous entry's JWS, base64url; null in entry 0. */
  readonly previous: string | null
  /** Seconds since the epoch; never before the previous entry's. */
  readonly issued: number
}

/** Records a device's keys: a first device, another device, or a renewal. */
export interface DeviceEntry extends EntryCommon {
  readonly kind: 'device'
  /** Compact JWS of the device request. */
  readonly request: string
  /**
   * Base64url RSASSA-PKCS1-v1_5 signature with SHA-1 of the old key over the new signing key's
   * SubjectPublicKeyInfo (seed 002, "CA Key Info Renewal", steps 2 to 6); exactly when the old profile is
   * legacy.
   */
  readonly legacyProof?: string
}

export interface RevocationEntry extends EntryCommon {
  readonly kind: 'revocation'
  readonly device: string
  readonly reason: string
  /** `issued`, or 24 h later when another device signs. */
  readonly effective: number
}

export interface ObjectionEntry extends EntryCommon {
  readonly kind: 'objection'
  /** Hash of the pending revocation or recovery entry that it voids. */
  readonly revocation: string
}

export interface RecoveryEntry extends EntryCommon {
  readonly kind: 'recovery'
  /** Ed25519. */
  readonly signingKey: Jwk
  /** X-Wing or X25519. */
  readonly backupKey: Jwk
  /** `issued`, or 24 h later when a device replaces a recovery key. */
  readonly effective: number
}

/** By the authority: ends all devices and the recovery key; a self-signed device follows. */
export interface ResetEntry extends EntryCommon {
  readonly kind: 'reset'
  readonly reason: string
}

/**
 * The payload of an entry: header `{alg, typ: 'keyhaven-entry+jws', kid}`, `kid` the signer's RFC 7638
 * thumbprint.
 */
export type Entry = DeviceEntry | RevocationEntry | ObjectionEntry | RecoveryEntry | ResetEntry
export type EntryKind = Entry['kind']

const FORM = { typ: ENTRY_TYP, kid: true, maxBytes: MAX_ENTRY_BYTES }

/** An {@link Entry} without what {@link signEntry} adds. */
export type EntryFields = Entry extends infer One ? (One extends Entry ? Omit<One, 'v'> : never) : never

/** Signs the payload as given. Whether the chain admits it, `extendChain` says. */
export async function signEntry(
  backend: CryptoBackend,
  signer: ChainSigner,
  fields: EntryFields,
): Promise<string> {
  const kid = await jwkThumbprint(backend, signer.jwk)
  return await signChainJws(signer, FORM, kid, payloadOf(fields))
}

/** SHA-256 of the JWS's ASCII characters, base64url. */
export async function entryHash(backend: Pick<CryptoBackend, 'sha256'>, entry: string): Promise<string> {
  return toBase64url(await backend.sha256(utf8(entry)))
}

/** An entry read strictly and NOT verified. */
export interface DecodedEntry {
  readonly entry: Entry
  readonly kid: string
  readonly jws: OpenedJws
}

/**
 * @throws KeyhavenError `WIRE_TOO_LARGE` over {@link MAX_ENTRY_BYTES}; `RECORD_INVALID` on another form, kind
 * or version, a member that is missing or unknown, or JSON that `JSON.stringify` would write otherwise.
 */
export function decodeEntry(entry: string): DecodedEntry {
  const jws = openChainJws(entry, FORM)
  const fields = jws.payload
  const common = {
    v: fields.literal('v', 1),
    application: fields.text('application', isApplicationId),
    username: fields.text('username', isUsername),
    chain: fields.integer('chain', MAX_CHAIN_ENTRIES),
    sequence: fields.integer('sequence', MAX_CHAIN_ENTRIES),
    previous: fields.nullable('previous', () => fields.text('previous', isHash)),
    issued: fields.time('issued'),
  } as const
  const decoded: Entry = { ...common, ...readKind(fields) }
  fields.end()
  return { entry: decoded, kid: jws.kid!, jws }
}

type Specific = Entry extends infer One ? (One extends Entry ? Omit<One, keyof EntryCommon> : never) : never

function readKind(fields: PayloadFields): Specific {
  const kind = fields.text('kind', () => true)
  switch (kind) {
    case 'device': {
      const request = fields.text('request', () => true)
      if (!fields.has('legacyProof')) return { kind, request }
      return { kind, request, legacyProof: fields.text('legacyProof', isLegacyProofText) }
    }
    case 'revocation':
      return {
        kind,
        device: fields.text('device', isDeviceId),
        reason: fields.text('reason', isReason),
        effective: fields.time('effective'),
      }
    case 'objection':
      return { kind, revocation: fields.text('revocation', isHash) }
    case 'recovery':
      return {
        kind,
        signingKey: fields.jwk('signingKey'),
        backupKey: fields.jwk('backupKey'),
        effective: fields.time('effective'),
      }
    case 'reset':
      return { kind, reason: fields.text('reason', isReason) }
    default:
      throw new KeyhavenError('RECORD_INVALID', 'an entry of a kind that is not known')
  }
}

/** 128 bytes, the size of an RSA-1024 signature. */
const LEGACY_PROOF_CHARACTERS = 171

function isLegacyProofText(text: string): boolean {
  return text.length === LEGACY_PROOF_CHARACTERS
}

function payloadOf(fields: EntryFields): object {
  const { application, username, chain, sequence, previous, issued, ...specific } = fields
  return { v: 1, application, username, chain, sequence, previous, issued, ...specific }
}
