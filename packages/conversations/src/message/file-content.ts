import { fromUtf8, KeyhavenError, utf8 } from '@keyhaven/crypto'
import { malformed, requireHash, requireMembers, requireWhole } from '@keyhaven/messaging'
import { isConversationId } from '../membership/ids.ts'
import { parseExactJson } from '../membership/statement.ts'

export const MAX_FILE_CONTENT_BYTES = 8_192
export const MAX_FILE_NAME_CHARACTERS = 255
const MAX_URL_CHARACTERS = 2_048
const MAX_TYPE_CHARACTERS = 127
const FILES_PATH = '/v1/files/'
/** type "/" subtype (RFC 6838 §4.2), no parameters. */
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$/
/** Control characters, separators of lines and paths, and what turns the direction of text round. */
const NOT_IN_A_NAME = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069/\\]/u

/** Content of a message of kind `file`, JSON: `{url, key, digest, size, stored, name, type}`. */
export interface FileContent {
  /** Of the stored ciphertext: `<key server>/v1/files/<id>`. */
  readonly url: string
  /** 32 bytes, base64url: of this file alone. */
  readonly key: string
  /** SHA-256 of the stored ciphertext, base64url. */
  readonly digest: string
  /** Bytes of the file. */
  readonly size: number
  /** Bytes of the stored ciphertext. */
  readonly stored: number
  readonly name: string
  /** Media type. */
  readonly type: string
}

/** @throws KeyhavenError `WIRE_MALFORMED` on what {@link decodeFileContent} would refuse. */
export function encodeFileContent(content: FileContent): Uint8Array {
  return utf8(JSON.stringify(readFileContent(content)))
}

/** @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE` */
export function decodeFileContent(bytes: Uint8Array): FileContent {
  if (bytes.length > MAX_FILE_CONTENT_BYTES) {
    throw new KeyhavenError('WIRE_TOO_LARGE', 'the description of the file is too long')
  }
  return readFileContent(parseExactJson(fromUtf8(bytes)))
}

/** The address of a file on a key server. @param server - its URL, with or without a slash at the end. */
export function fileUrl(server: string, id: string): string {
  return server.replace(/\/$/, '') + FILES_PATH + id
}

/**
 * The id of a file on this key server, and on no other.
 *
 * @throws KeyhavenError `RECORD_INVALID` on any other address.
 */
export function fileIdOf(url: string, server: string): string {
  const id = url.slice(url.lastIndexOf('/') + 1)
  if (isConversationId(id) && url === fileUrl(server, id)) return id
  throw new KeyhavenError('RECORD_INVALID', 'the file is not on this key server')
}

const MEMBERS = ['url', 'key', 'digest', 'size', 'stored', 'name', 'type']

function readFileContent(value: unknown): FileContent {
  const json = requireMembers(value, MEMBERS, 'file')
  return {
    url: requireUrl(json.url),
    key: requireHash(json.key, 'file key'),
    digest: requireHash(json.digest, 'digest'),
    size: requireWhole(json.size, Number.MAX_SAFE_INTEGER, 'size'),
    stored: requireWhole(json.stored, Number.MAX_SAFE_INTEGER, 'stored size'),
    name: requireFileName(json.name),
    type: requireMediaType(json.type),
  }
}

function requireUrl(value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_URL_CHARACTERS || !URL.canParse(value)) {
    throw malformed('file url')
  }
  const { protocol, username, password, search, hash, href } = new URL(value)
  const isWeb = protocol === 'https:' || protocol === 'http:'
  if (!isWeb || username || password || search || hash || href !== value) throw malformed('file url')
  return value
}

/** 1 to 255 characters, no path in it: it can be saved under. @throws KeyhavenError `WIRE_MALFORMED` */
export function requireFileName(value: unknown): string {
  const fits = typeof value === 'string' && value.length > 0 && value.length <= MAX_FILE_NAME_CHARACTERS
  if (!fits || !value.isWellFormed() || NOT_IN_A_NAME.test(value)) throw malformed('file name')
  if (value === '.' || value === '..') throw malformed('file name')
  return value
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function requireMediaType(value: unknown): string {
  const fits = typeof value === 'string' && value.length <= MAX_TYPE_CHARACTERS && MEDIA_TYPE.test(value)
  if (!fits) throw malformed('media type')
  return value
}
