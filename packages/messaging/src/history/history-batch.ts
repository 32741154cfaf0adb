import {
  type CryptoBackend,
  fromBase64url,
  fromUtf8,
  KeyhavenError,
  Reader,
  toBase64url,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import type { DeviceSigner, DeviceVerifyKey } from '../directory-port.ts'
import { signDeviceJws, unverifiedPayload, verifyDeviceJws } from '../wire/device-jws.ts'
import { MAX_MESSAGE_NUMBER, SESSION_ID_CHARACTERS } from '../wire/limits.ts'
import {
  malformed,
  requireApplication,
  requireDeviceId,
  requireHash,
  requireMembers,
  requireUsername,
  requireWhole,
} from '../wire/member-checks.ts'
import { type ArchivedKey, decodeArchivedKey, encodeArchivedKey } from './archive.ts'

export const HISTORY_TYP = 'keyhaven-history+jws'
export const HISTORY_VERSION = 1
/** Message keys in one batch. */
export const MAX_BATCH_MESSAGES = 500
/** Of a batch, as it travels; the server takes no longer one. */
export const MAX_BATCH_CHARACTERS = 262_144
/** Of the message keys in one batch. Base64url twice, in a JWS, makes it 16/9 as long; some thousand are for the rest. */
export const MAX_BATCH_BYTES = 131_072
const MAX_ARCHIVED_KEY_BYTES = 1_024
const INFO_LABEL = utf8('keyhaven history v1')
const MAX_RECIPIENT_CHARACTERS = 64

/**
 * A batch of message keys: compact JWS by the device that exports them, header `{alg, typ: 'keyhaven-history+jws'}`.
 */
export interface HistoryPayload {
  readonly v: 1
  readonly application: string
  readonly username: string
  readonly device: string
  /** Hash of the exporting device's newest entry. */
  readonly entry: string
  /** `backup`, or a device's id. */
  readonly recipient: string
  /** Seconds since epoch. */
  readonly issued: number
  /** SHA-256 of {@link sealed}'s bytes, base64url. */
  readonly hash: string
  /** HPKE base mode, enc ‖ ciphertext; with an RSA recipient see {@link sealBatch}. Base64url. */
  readonly sealed: string
}

/** One message key with its place. */
export interface HistoryItem {
  readonly session: string
  readonly n: number
  readonly key: ArchivedKey
}

/** Of a session, a number and a length beside the key, in {@link encodeItems}. */
export const ITEM_HEAD_BYTES = 29

/** HPKE info: label "keyhaven history v1": u8 length | application: u16 length | username: u16 length | recipient: u8 length. */
export function historyInfo(application: string, username: string, recipient: string): Uint8Array {
  return new Writer(256)
    .bytes8(INFO_LABEL)
    .bytes16(utf8(application))
    .bytes16(utf8(username))
    .bytes8(utf8(recipient))
    .done()
}

/** version u8 = 1 | count u16 | each: session u8 length, ASCII | n u32 | archived key: u16 length, as in the store */
export function encodeItems(items: readonly HistoryItem[]): Uint8Array {
  const writer = new Writer(8 + items.length * 160).u8(HISTORY_VERSION).u16(items.length)
  for (const { session, n, key } of items) {
    writer.bytes8(utf8(session)).u32(n).bytes16(encodeArchivedKey(key))
  }
  return writer.done()
}

/** @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE` */
export function decodeItems(bytes: Uint8Array): HistoryItem[] {
  const reader = new Reader(bytes)
  if (reader.u8() !== HISTORY_VERSION) throw malformed('history version')
  const count = reader.u16()
  if (count > MAX_BATCH_MESSAGES) throw new KeyhavenError('WIRE_TOO_LARGE', 'history batch')
  const items: HistoryItem[] = []
  for (let index = 0; index < count; index++) {
    const session = fromUtf8(reader.bytes8(SESSION_ID_CHARACTERS))
    if (fromBase64url(session).length !== 16) throw malformed('session id')
    const n = requireWhole(reader.u32(), MAX_MESSAGE_NUMBER, 'n')
    items.push({ session, n, key: decodeArchivedKey(reader.bytes16(MAX_ARCHIVED_KEY_BYTES)) })
  }
  reader.end()
  return items
}

export async function signBatch(
  backend: CryptoBackend,
  signer: DeviceSigner,
  fields: Omit<HistoryPayload, 'v' | 'hash' | 'sealed'>,
  sealed: Uint8Array,
): Promise<string> {
  const hash = toBase64url(await backend.sha256(sealed))
  const payload: HistoryPayload = { v: HISTORY_VERSION, ...fields, hash, sealed: toBase64url(sealed) }
  return signDeviceJws(signer, HISTORY_TYP, payload)
}

/** Not verified: says whose key to verify with. Throws `WIRE_TOO_LARGE`, `WIRE_MALFORMED`. */
export function readBatch(batch: string): HistoryPayload {
  if (batch.length > MAX_BATCH_CHARACTERS) throw new KeyhavenError('WIRE_TOO_LARGE', 'history batch')
  return decodePayload(unverifiedPayload(batch))
}

/** @throws KeyhavenError `SIGNATURE_INVALID` */
export async function verifyBatch(
  backend: CryptoBackend,
  key: DeviceVerifyKey,
  batch: string,
): Promise<HistoryPayload> {
  const expected = { typ: HISTORY_TYP, maxBytes: MAX_BATCH_CHARACTERS }
  const payload = decodePayload(await verifyDeviceJws(backend, key, batch, expected))
  const hash = toBase64url(await backend.sha256(fromBase64url(payload.sealed)))
  if (hash !== payload.hash) throw new KeyhavenError('SIGNATURE_INVALID', 'the batch is not what was signed')
  return payload
}

const MEMBERS = ['v', 'application', 'username', 'device', 'entry', 'recipient', 'issued', 'hash', 'sealed']

function decodePayload(value: unknown): HistoryPayload {
  const json = requireMembers(value, MEMBERS, 'history batch')
  if (json.v !== HISTORY_VERSION) throw malformed('history version')
  const { recipient, sealed } = json
  if (typeof recipient !== 'string' || recipient.length > MAX_RECIPIENT_CHARACTERS)
    throw malformed('recipient')
  if (typeof sealed !== 'string') throw malformed('sealed')
  return {
    v: HISTORY_VERSION,
    application: requireApplication(json.application),
    username: requireUsername(json.username),
    device: requireDeviceId(json.device),
    entry: requireHash(json.entry, 'entry'),
    recipient,
    issued: requireWhole(json.issued, Number.MAX_SAFE_INTEGER, 'issued'),
    hash: requireHash(json.hash, 'hash'),
    sealed,
  }
}
