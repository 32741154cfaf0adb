import { fromUtf8, utf8 } from '@keyhaven/crypto'
import { refuse } from './refuse-cbeff.ts'

/** What is not Char (XML 1.0 §2.2), but for halves of surrogate pairs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is there to refuse them
const NOT_CHAR = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/
/** CharRef between `&` and `;` (§4.1). */
const DECIMAL = /^#[0-9]+$/
const HEXADECIMAL = /^#x[0-9a-fA-F]+$/
const MAX_CODE_POINT = 0x10ffff
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Whether XML can hold the text: all of it is Char (XML 1.0 §2.2). */
export function isXmlText(text: string): boolean {
  return !NOT_CHAR.test(text) && text.isWellFormed()
}

/**
 * End-of-line handling (XML 1.0 §2.11). It is done on bytes: millions of carriage returns in a text would take
 * hundreds of MB.
 *
 * @param text - well-formed, as {@link isXmlText} says.
 */
export function normalizeLineEnds(text: string): string {
  if (!text.includes('\r')) return text
  const bytes = utf8(text)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const isReturn = bytes[at] === CARRIAGE_RETURN
    if (isReturn && bytes[at + 1] === LINE_FEED) continue
    bytes[length++] = isReturn ? LINE_FEED : bytes[at]!
  }
  return fromUtf8(bytes.subarray(0, length))
}

/** Value of an attribute of type CDATA, as all are without a DTD (XML 1.0 §3.3.3). */
export function normalizeAttValue(raw: string): string {
  return includeReferences(raw.replace(/[\t\n]/g, ' '))
}

/**
 * Puts what references stand for in their place (XML 1.0 §4.1): characters and the five predefined entities, as
 * there are no others without a DTD.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`
 */
export function includeReferences(raw: string): string {
  const parts: string[] = []
  let at = 0
  for (let start = raw.indexOf('&'); start >= 0; start = raw.indexOf('&', at)) {
    const end = raw.indexOf(';', start)
    if (end < 0) refuse('a reference without an end')
    if (start > at) parts.push(raw.slice(at, start))
    parts.push(referent(raw.slice(start + 1, end)))
    at = end + 1
  }
  return at === 0 ? raw : parts.join('') + raw.slice(at)
}

/** @param name - what stands between `&` and `;`. */
function referent(name: string): string {
  switch (name) {
    case 'lt':
      return '<'
    case 'gt':
      return '>'
    case 'amp':
      return '&'
    case 'apos':
      return "'"
    case 'quot':
      return '"'
  }
  let code = Number.NaN
  if (DECIMAL.test(name)) code = Number.parseInt(name.slice(1), 10)
  else if (HEXADECIMAL.test(name)) code = Number.parseInt(name.slice(2), 16)
  const character = code <= MAX_CODE_POINT ? String.fromCodePoint(code) : undefined
  return character !== undefined && isXmlText(character)
    ? character
    : refuse('an unknown entity or character')
}
