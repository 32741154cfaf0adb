import {
  fromBase64url,
  fromUtf8,
  KeyhavenError,
  padmeLength,
  Reader,
  toBase64url,
  utf8,
  varintBytes,
  Writer,
} from '@keyhaven/crypto'
import { malformed, requireDeviceId, requireUsername } from '@keyhaven/messaging'
import type { MembershipHead } from '../key/announcement.ts'
import { type KeyContext, writeKeyContext } from '../key/key-context.ts'
import {
  DEVICE_CHARACTERS,
  MAX_CONTENT_BYTES,
  MAX_SIGNATURE_BYTES,
  MAX_USERNAME_BYTES,
  MESSAGE_ID_BYTES,
} from './limits.ts'

export type ContentKind = 'text' | 'file' | 'bytes'
/** By the byte that stands for it, less one. */
const KINDS: readonly ContentKind[] = ['text', 'file', 'bytes']
const LABEL = utf8('keyhaven conversation message v1\n')
const HASH_BYTES = 32
/** Kind, both lengths of names, entry, membership, id, time and the longest length of a content. */
const FIXED_BYTES = 1 + 2 + 1 + HASH_BYTES + 8 + HASH_BYTES + MESSAGE_ID_BYTES + 8 + 8

/** What a sender says and signs. */
export interface Message {
  readonly kind: ContentKind
  readonly username: string
  readonly device: string
  /** Hash of the device's newest entry in the directory, base64url: names the signing key. */
  readonly entry: string
  /** The state of the membership that the sender knew. */
  readonly membership: MembershipHead
  /** 16 random bytes, base64url. */
  readonly id: string
  /** Milliseconds since the epoch, by the sender's clock. */
  readonly time: number
  readonly content: Uint8Array
}

/**
 * A message that was opened. Nobody is known to have sent it until {@link SignedMessage.signature} is
 * verified.
 */
export interface SignedMessage extends Message {
  readonly signature: Uint8Array
  /** What the signature must be over. */
  readonly signed: Uint8Array
}

/**
 * What is signed: "keyhaven conversation message v1\n" | application, conversation and key id, each behind a
 * u16 length | kind u8: 1 text, 2 file, 3 bytes | username: u16 length, UTF-8 | device: u8 length, ASCII |
 * device entry 32 bytes | membership sequence u64 | membership head 32 bytes | message id 16 bytes | time
 * u64, milliseconds | content: varint length (RFC 9000 §16), bytes.
 *
 * @returns the bytes to sign, and where in them the frame's part begins.
 */
export function writeSigned(
  context: KeyContext,
  message: Message,
): { readonly signed: Uint8Array; readonly bodyAt: number } {
  const { kind, content } = message
  if (content.length > MAX_CONTENT_BYTES) throw tooLarge()
  const username = utf8(requireUsername(message.username))
  const prefix = writePrefix(context)
  const capacity = prefix.length + FIXED_BYTES + username.length + DEVICE_CHARACTERS + content.length
  const signed = new Writer(capacity)
    .bytes(prefix)
    .u8(KINDS.indexOf(kind) + 1)
    .bytes16(username)
    .bytes8(utf8(requireDeviceId(message.device)))
    .bytes(exactly(message.entry, HASH_BYTES))
    .u64(message.membership.sequence)
    .bytes(exactly(message.membership.head, HASH_BYTES))
    .bytes(exactly(message.id, MESSAGE_ID_BYTES))
    .u64(message.time)
    .bytesVarint(content)
    .done()
  return { signed, bodyAt: prefix.length }
}

/** Frame: signature: u16 length | body, as signed from `kind` on | zeros up to the Padmé size. */
export function encodeFrame(signature: Uint8Array, body: Uint8Array): Uint8Array {
  if (signature.length > MAX_SIGNATURE_BYTES) throw tooLarge()
  const length = 2 + signature.length + body.length
  const frame = new Uint8Array(padmeLength(length))
  frame[0] = signature.length >>> 8
  frame[1] = signature.length
  frame.set(signature, 2)
  frame.set(body, 2 + signature.length)
  return frame
}

/**
 * @param context - of the key that it was opened with: the signature must be for it.
 * @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE`
 */
export function decodeFrame(context: KeyContext, frame: Uint8Array): SignedMessage {
  const reader = new Reader(frame)
  const signature = reader.bytes16(MAX_SIGNATURE_BYTES)
  const bodyAt = 2 + signature.length
  const kind = KINDS[reader.u8() - 1]
  if (!kind) throw malformed('message kind')
  const username = requireUsername(fromUtf8(reader.bytes16(MAX_USERNAME_BYTES)))
  const device = requireDeviceId(fromUtf8(reader.bytes8(DEVICE_CHARACTERS)))
  const entry = toBase64url(reader.bytes(HASH_BYTES))
  const membership = { sequence: reader.u64(), head: toBase64url(reader.bytes(HASH_BYTES)) }
  const id = toBase64url(reader.bytes(MESSAGE_ID_BYTES))
  const time = reader.u64()
  const contentAt = frame.length - reader.remaining
  const content = reader.bytesVarint(MAX_CONTENT_BYTES)
  const end = frame.length - reader.remaining
  // A length in more bytes than it needs would be a second form of the same message.
  if (end - contentAt !== varintBytes(content.length) + content.length) throw malformed('content length')
  if (frame.length !== padmeLength(end) || !isZero(frame, end)) throw malformed('padding')
  const prefix = writePrefix(context)
  const signed = new Uint8Array(prefix.length + end - bodyAt)
  signed.set(prefix)
  signed.set(frame.subarray(bodyAt, end), prefix.length)
  return { kind, username, device, entry, membership, id, time, content, signature, signed }
}

function writePrefix(context: KeyContext): Uint8Array {
  const capacity = LABEL.length + 6 + context.application.length + 2 * DEVICE_CHARACTERS
  return writeKeyContext(new Writer(capacity).bytes(LABEL), context).done()
}

function exactly(base64url: string, length: number): Uint8Array {
  const bytes = fromBase64url(base64url)
  if (bytes.length !== length) throw malformed('message')
  return bytes
}

function isZero(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return false
  return true
}

function tooLarge(): KeyhavenError {
  return new KeyhavenError('WIRE_TOO_LARGE', `a message holds at most ${MAX_CONTENT_BYTES} bytes`)
}
