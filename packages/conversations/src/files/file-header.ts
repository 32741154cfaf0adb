import {
  fromBase64url,
  fromUtf8,
  KeyhavenError,
  padmeLength,
  Reader,
  toBase64url,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { malformed, requireMembers, requireWhole } from '@keyhaven/messaging'
import { parseExactJson } from '../membership/statement.ts'
import { requireFileName, requireMediaType } from '../message/file-content.ts'

export const MAX_THUMBNAIL_BYTES = 65_536
export const HEADER_LENGTH_BYTES = 4
/** Of the JSON: a thumbnail in base64url, a name of which every character is escaped, a type. */
export const MAX_FILE_HEADER_BYTES = 92_160
/** 2 PiB: with header and padding it still is a size that can be encrypted. */
const MAX_SIZE = 2 ** 51

/** What the recipient sees of a file before its bytes. */
export interface FileMetadata {
  readonly name: string
  /** Media type. */
  readonly type: string
  /** Bytes of the file. */
  readonly size: number
  /** A small picture in a format that the app knows, at most 64 KiB. */
  readonly thumbnail?: Uint8Array
}

// Encrypted: length u32 | JSON {name, type, size, thumbnail?} | bytes of the file | zero bytes up to a Padmé
// size

/** Length and JSON. @throws KeyhavenError `INPUT_INVALID` on a name, type or thumbnail that no file has. */
export function encodeFileHeader(metadata: FileMetadata): Uint8Array {
  const { thumbnail } = metadata
  const json = utf8(
    JSON.stringify({
      name: metadata.name,
      type: metadata.type,
      size: metadata.size,
      ...(thumbnail && { thumbnail: toBase64url(thumbnail) }),
    }),
  )
  try {
    decodeFileHeader(json)
  } catch (cause) {
    throw new KeyhavenError(
      'INPUT_INVALID',
      'name: 1 to 255 characters without a path; type: a media type; thumbnail: 1 byte to 64 KiB',
      { cause },
    )
  }
  return new Writer(HEADER_LENGTH_BYTES + json.length).u32(json.length).bytes(json).done()
}

/** @returns bytes of the JSON. @throws KeyhavenError `WIRE_TOO_LARGE` */
export function decodeHeaderLength(bytes: Uint8Array): number {
  const length = new Reader(bytes).u32()
  if (length > MAX_FILE_HEADER_BYTES) throw new KeyhavenError('WIRE_TOO_LARGE', 'the header of the file')
  return length
}

/** @param json - without the length before it. @throws KeyhavenError `WIRE_MALFORMED` */
export function decodeFileHeader(json: Uint8Array): FileMetadata {
  const value = parseExactJson(fromUtf8(json))
  const names = ['name', 'type', 'size', 'thumbnail?']
  const { name, type, size, thumbnail } = requireMembers(value, names, 'header of a file')
  return {
    name: requireFileName(name),
    type: requireMediaType(type),
    size: requireWhole(size, MAX_SIZE, 'size'),
    ...(thumbnail !== undefined && { thumbnail: requireThumbnail(thumbnail) }),
  }
}

/** Bytes that are encrypted for a file: its stored size says little about its own. */
export function paddedFileBytes(headerBytes: number, size: number): number {
  return padmeLength(headerBytes + size)
}

function requireThumbnail(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw malformed('thumbnail')
  const bytes = fromBase64url(value)
  if (bytes.length === 0 || bytes.length > MAX_THUMBNAIL_BYTES) throw malformed('thumbnail')
  return bytes
}
