import { fromBase64url, KeyhavenError, SHA256_BYTES } from '@keyhaven/crypto'
import { DEVICE_ID_BYTES, MAX_NAME_CHARACTERS, MAX_REASON_CHARACTERS } from './limits.ts'

const APPLICATION = /^[a-z0-9][a-z0-9-]{0,62}$/
/** Control characters, line and paragraph separators, and what turns the direction of text round. */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u
/**
 * What no font shows, joiners and variation selectors apart: `anna` with one of them would look like `anna`.
 */
const INVISIBLE = /(?!\p{Join_Control}|\p{Variation_Selector})\p{Default_Ignorable_Code_Point}|\u2800/u
/**
 * Those have a meaning in some scripts and in emoji, and none after these, or where a joiner joins nothing.
 */
const JOINER_WITHOUT_USE =
  /(?:^|[\x20-\x7e\p{Join_Control}\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])(?:\p{Join_Control}|\p{Variation_Selector})|\p{Join_Control}$/u
/** UTF-16 units that MAX_NAME_CHARACTERS code points have at most; checked before they are counted. */
const UNITS_PER_CHARACTER = 2

export function isApplicationId(text: string): boolean {
  return APPLICATION.test(text)
}

/** Dot segments of a path (RFC 3986 §5.2.4), percent-encoded or not: no URL can name such a user. */
const UNADDRESSABLE: readonly string[] = ['.', '..']

/**
 * 1 to 128 characters in NFC, without control or invisible characters or a space at either end; not `.` or
 * `..`. Compared byte for byte: `Anna` and `anna` are two users.
 */
export function isUsername(text: string): boolean {
  return (
    isDeviceName(text) &&
    !UNADDRESSABLE.includes(text) &&
    !INVISIBLE.test(text) &&
    !JOINER_WITHOUT_USE.test(text)
  )
}

/** 1 to 128 characters in NFC, without control characters or a space at either end. */
export function isDeviceName(text: string): boolean {
  return isLine(text, MAX_NAME_CHARACTERS) && text.length > 0
}

/** May be empty. */
export function isReason(text: string): boolean {
  return isLine(text, MAX_REASON_CHARACTERS)
}

/** 16 bytes, base64url. */
export function isDeviceId(text: string): boolean {
  return isBase64urlOf(text, DEVICE_ID_BYTES)
}

/** SHA-256 or an RFC 7638 thumbprint: 32 bytes, base64url. */
export function isHash(text: string): boolean {
  return isBase64urlOf(text, SHA256_BYTES)
}

/** @throws KeyhavenError `INPUT_INVALID` that says what a username is. */
export function checkUsername(text: string): void {
  if (isUsername(text)) return
  throw new KeyhavenError(
    'INPUT_INVALID',
    `a username has 1 to ${MAX_NAME_CHARACTERS} characters in Unicode form NFC, ` +
      'no control or invisible characters and no space at either end, and is neither . nor ..',
  )
}

function isLine(text: string, maximum: number): boolean {
  if (text.length > maximum * UNITS_PER_CHARACTER) return false
  return (
    text.isWellFormed() &&
    [...text].length <= maximum &&
    text.trim() === text &&
    !UNSEEN.test(text) &&
    text.normalize('NFC') === text
  )
}

const BITS_PER_DIGIT = 6

function isBase64urlOf(text: string, bytes: number): boolean {
  if (text.length !== Math.ceil((bytes * 8) / BITS_PER_DIGIT)) return false
  try {
    return fromBase64url(text).length === bytes
  } catch {
    return false
  }
}
