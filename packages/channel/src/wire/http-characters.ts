/** Which byte values a part of a message may hold: 1 is allowed. */
function allow(characters: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const character of characters) table[character.charCodeAt(0)] = 1
  return table
}

function range(first: number, last: number): string {
  return Array.from({ length: last - first + 1 }, (_, index) => String.fromCharCode(first + index)).join('')
}

const LOWER = range(0x61, 0x7a)
const UPPER = range(0x41, 0x5a)
const DIGITS = range(0x30, 0x39)

/** Field names: tokens (RFC 9110 §5.6.2) in lower case (RFC 9113 §8.2.1). No colon, so no pseudo-field. */
export const FIELD_NAME_CHARACTERS: Uint8Array = allow(`${LOWER}${DIGITS}!#$%&'*+-.^_\`|~`)

/**
 * Field values: visible ASCII, space, tab and bytes over 0x7f; no CR, LF, NUL or other control (RFC 9110
 * §5.5).
 */
export const FIELD_VALUE_CHARACTERS: Uint8Array = allow(`\t${range(0x20, 0x7e)}${range(0x80, 0xff)}`)

/**
 * Methods: tokens without lower case. Methods are case-sensitive and `fetch` would turn `get` into `GET`: two
 * readers of one message would then not agree.
 */
export const METHOD_CHARACTERS: Uint8Array = allow(`${UPPER}${DIGITS}-_`)

export const SCHEME_CHARACTERS: Uint8Array = allow('htps')

/** Host and port (RFC 3986 §3.2.2) without user information and without percent encoding. */
export const AUTHORITY_CHARACTERS: Uint8Array = allow(`${LOWER}${UPPER}${DIGITS}-._~[]:`)

/** Path and query: visible ASCII without those that URL parsers re-write or stop at. */
export const TARGET_CHARACTERS: Uint8Array = allow(range(0x21, 0x7e).replaceAll(/["#<>]/g, ''))
