import {
  type Awaitable,
  type CryptoBackend,
  fromBase64url,
  fromUtf8,
  KeyhavenError,
  Reader,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { HASH_BYTES } from './tree-hash.ts'

export const LEAF_VERSION = 1
/** Longest leaf. Tiles carry a u16 length, so a limit is needed; parameters are the only ones near it. */
export const MAX_LEAF_BYTES = 4_096
/** beta of ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381 §5.5). */
export const LABEL_BYTES = 64
export const OPENING_BYTES = 32
const PUBLIC_KEY_BYTES = 32
/** Kinds of leaf; the second byte. */
const PARAMETERS_KIND = 0
const ENTRY_KIND = 1
const COMMITMENT_KIND = 2

/** Public Ed25519 JWK, with its required members only. */
export interface AuthorityJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  /** 32 bytes, base64url. */
  readonly x: string
}

/** Entry 0 of every log, and no other: what a client needs to know beside the log's key. */
export interface LogParameters {
  readonly kind: 'parameters'
  readonly application: string
  /** Origin line of the log's checkpoints. */
  readonly origin: string
  /** Public key of the VRF that makes the labels, 32 bytes base64url. */
  readonly vrfKey: string
  /** Signs acceptances. */
  readonly authorityKey: AuthorityJwk
}

/** One entry of one user's chain. It names nobody. */
export interface DirectoryLeaf {
  readonly kind: 'entry'
  /** VRF output of {@link labelInput}, 64 bytes: all entries of one user have the same. */
  readonly label: Uint8Array
  /** {@link entryCommitment} of the entry, 32 bytes. */
  readonly commitment: Uint8Array
}

/** A commitment to something else, 32 bytes. */
export interface CommitmentLeaf {
  readonly kind: 'commitment'
  readonly commitment: Uint8Array
}

export type Leaf = LogParameters | DirectoryLeaf | CommitmentLeaf

// version u8 = 1 | kind u8 = 0 | UTF-8 JSON {application, origin, vrfKey, authorityKey: {kty, crv, x}}
// version u8 = 1 | kind u8 = 1 | label 64 bytes | commitment 32 bytes
// version u8 = 1 | kind u8 = 2 | commitment 32 bytes
/** @throws TypeError on a label or commitment of another length, or over {@link MAX_LEAF_BYTES}. */
export function encodeLeaf(leaf: Leaf): Uint8Array<ArrayBuffer> {
  const writer = new Writer().u8(LEAF_VERSION)
  if (leaf.kind === 'parameters') {
    const bytes = writer
      .u8(PARAMETERS_KIND)
      .bytes(utf8(parametersJson(leaf)))
      .done()
    if (bytes.length > MAX_LEAF_BYTES) throw new TypeError(`a leaf has at most ${MAX_LEAF_BYTES} bytes`)
    return bytes
  }
  requireBytes(leaf.commitment, HASH_BYTES, 'commitment')
  if (leaf.kind === 'commitment') return writer.u8(COMMITMENT_KIND).bytes(leaf.commitment).done()
  requireBytes(leaf.label, LABEL_BYTES, 'label')
  return writer.u8(ENTRY_KIND).bytes(leaf.label).bytes(leaf.commitment).done()
}

/**
 * @throws KeyhavenError `WIRE_MALFORMED` on another version or kind, parameters that are not written exactly
 * as {@link encodeLeaf} writes them, or trailing bytes; `WIRE_TOO_LARGE` over {@link MAX_LEAF_BYTES}.
 */
export function decodeLeaf(bytes: Uint8Array): Leaf {
  if (bytes.length > MAX_LEAF_BYTES) throw new KeyhavenError('WIRE_TOO_LARGE', 'log leaf')
  const reader = new Reader(bytes)
  if (reader.u8() !== LEAF_VERSION) throw malformed()
  const kind = reader.u8()
  if (kind === PARAMETERS_KIND) return decodeParameters(fromUtf8(reader.bytes(reader.remaining)))
  if (kind !== ENTRY_KIND && kind !== COMMITMENT_KIND) throw malformed()
  const label = kind === ENTRY_KIND ? reader.bytes(LABEL_BYTES) : undefined
  const commitment = reader.bytes(HASH_BYTES)
  reader.end()
  return label ? { kind: 'entry', label, commitment } : { kind: 'commitment', commitment }
}

// application: u16 length, UTF-8 | username: u16 length, UTF-8
/** What the VRF is evaluated at (alpha) for a user's label. */
export function labelInput(application: string, username: string): Uint8Array<ArrayBuffer> {
  return new Writer().bytes16(utf8(application)).bytes16(utf8(username)).done()
}

/**
 * Commitment to one chain entry: SHA-256(opening ‖ entry).
 *
 * @param opening - 32 random bytes, given out only to who may see the entry.
 * @param entry - the entry's compact JWS as ASCII bytes.
 */
export function entryCommitment(
  backend: Pick<CryptoBackend, 'sha256'>,
  opening: Uint8Array,
  entry: Uint8Array,
): Awaitable<Uint8Array> {
  requireBytes(opening, OPENING_BYTES, 'opening')
  return backend.sha256(new Writer().bytes(opening).bytes(entry).done())
}

function parametersJson(leaf: Omit<LogParameters, 'kind'>): string {
  const { kty, crv, x } = leaf.authorityKey
  const { application, origin, vrfKey } = leaf
  return JSON.stringify({ application, origin, vrfKey, authorityKey: { kty, crv, x } })
}

function decodeParameters(json: string): LogParameters {
  let value: LogParameters
  try {
    value = { ...JSON.parse(json), kind: 'parameters' }
    if (typeof value.application !== 'string' || typeof value.origin !== 'string') throw malformed()
    // One value has one text: this refuses members that are unknown, missing, or in another order.
    if (parametersJson(value) !== json) throw malformed()
    requireKey(value.vrfKey)
    requireKey(value.authorityKey.x)
  } catch {
    throw malformed()
  }
  if (value.authorityKey.kty !== 'OKP' || value.authorityKey.crv !== 'Ed25519') throw malformed()
  return value
}

function requireKey(text: unknown): void {
  if (typeof text !== 'string' || fromBase64url(text).length !== PUBLIC_KEY_BYTES) throw malformed()
}

function requireBytes(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new TypeError(`${what} must be ${length} bytes, not ${bytes.length}`)
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'log leaf')
}
