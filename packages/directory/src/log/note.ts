import { fromBase64, KeyhavenError, toBase64 } from '@keyhaven/crypto'

/** C2SP signed-note: at least 16 signatures must be accepted, of up to 5 kB each. */
export const MAX_NOTE_CHARACTERS = 131_072
export const MAX_NOTE_SIGNATURES = 64
export const MAX_KEY_NAME_CHARACTERS = 256
export const KEY_ID_BYTES = 4
const SIGNATURE_LINE_START = '— '
const EMPTY_LINE = '\n\n'
/** No Unicode space, plus sign or control character. */
const KEY_NAME = /^[^\s+\p{Z}\p{Cc}]+$/u
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/

/** One signature line: not checked yet. */
export interface NoteSignature {
  /** Name of the key. */
  readonly name: string
  /** First four bytes of a hash: an identifier, no proof of anything. */
  readonly keyId: number
  /** What follows the key id. */
  readonly signature: Uint8Array
}

/** A signed note taken apart (C2SP signed-note). Nothing in it may be used before a signature is verified. */
export interface Note {
  /** What is signed; ends with a newline. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/**
 * Takes a signed note apart.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`; `WIRE_TOO_LARGE` over {@link MAX_NOTE_CHARACTERS} or
 * {@link MAX_NOTE_SIGNATURES}.
 */
export function parseNote(note: string): Note {
  if (note.length > MAX_NOTE_CHARACTERS) throw new KeyhavenError('WIRE_TOO_LARGE', 'signed note')
  const at = note.lastIndexOf(EMPTY_LINE)
  if (at < 0 || !note.isWellFormed() || CONTROL.test(note)) throw malformed()
  return { text: note.slice(0, at + 1), signatures: parseSignatureLines(note.slice(at + EMPTY_LINE.length)) }
}

/** Reads signature lines alone, as a witness answers them. Throws as {@link parseNote}. */
export function parseSignatureLines(lines: string): NoteSignature[] {
  if (lines.length > MAX_NOTE_CHARACTERS) throw new KeyhavenError('WIRE_TOO_LARGE', 'signed note')
  if (!lines.endsWith('\n')) throw malformed()
  const split = lines.slice(0, -1).split('\n')
  if (split.length > MAX_NOTE_SIGNATURES) throw new KeyhavenError('WIRE_TOO_LARGE', 'signatures of a note')
  return split.map(parseSignatureLine)
}

/** One line, with its newline. */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  const bytes = new Uint8Array(KEY_ID_BYTES + signature.length)
  new DataView(bytes.buffer).setUint32(0, keyId)
  bytes.set(signature, KEY_ID_BYTES)
  return `${SIGNATURE_LINE_START}${name} ${toBase64(bytes)}\n`
}

/** @param lines - signature lines with their newlines. @throws TypeError if the text is no text of a note. */
export function formatNote(text: string, lines: readonly string[]): string {
  if (!text.endsWith('\n') || !text.isWellFormed() || CONTROL.test(text)) {
    throw new TypeError('the text of a note ends with a newline and has no other control character')
  }
  if (lines.length === 0) throw new TypeError('a note has at least one signature')
  return `${text}\n${lines.join('')}`
}

/** Whether a text can name a key. */
export function isKeyName(name: string): boolean {
  return name.length <= MAX_KEY_NAME_CHARACTERS && name.isWellFormed() && KEY_NAME.test(name)
}

function parseSignatureLine(line: string): NoteSignature {
  if (!line.startsWith(SIGNATURE_LINE_START)) throw malformed()
  const [name, base64, ...rest] = line.slice(SIGNATURE_LINE_START.length).split(' ')
  if (name === undefined || base64 === undefined || rest.length > 0 || !isKeyName(name)) throw malformed()
  const bytes = fromBase64(base64)
  if (bytes.length <= KEY_ID_BYTES) throw malformed()
  const keyId = new DataView(bytes.buffer).getUint32(0)
  return { name, keyId, signature: bytes.subarray(KEY_ID_BYTES) }
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'not a signed note')
}
