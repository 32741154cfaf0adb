import { toBase64, toBase64url, utf8 } from '@keyhaven/crypto'
import { BIR_LEVELS, BIR_PURPOSES, type Bir, type CbeffRecord } from './bir.ts'
import { CBEFF_NAMESPACE, MAX_BIRS } from './cbeff-schema.ts'
import { BDB_FORMATS, isSubtypeOf } from './modality.ts'
import { isXmlText } from './xml-text.ts'

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}
const VERSION = '<Version><Major>1</Major><Minor>1</Minor></Version>'
const CBEFF_VERSION = '<CBEFFVersion><Major>1</Major><Minor>1</Minor></CBEFFVersion>'
const BIR_INFO = '<BIRInfo><Integrity>false</Integrity></BIRInfo>'
/** MOSIP names no algorithm that it measured the quality with; this is what it writes. */
const QUALITY_ALGORITHM = '<Algorithm><Organization>HMAC</Organization><Type>SHA-256</Type></Algorithm>'
const MAX_QUALITY = 100

/**
 * Writes a CBEFF file as MOSIP does: an outer record around one for each finger, eye and face. A data block is
 * base64url, a security block base64, as its libraries spell them.
 *
 * @throws TypeError on a kind, part, date or number that such a file cannot hold.
 */
export function encodeCbeff(record: CbeffRecord): Uint8Array {
  if (record.birs.length > MAX_BIRS) throw new TypeError(`at most ${MAX_BIRS} biometric records`)
  const others = Object.entries(record.others ?? {}).map(
    ([key, value]) => `<Others><Key>${escaped(key)}</Key><Value>${escaped(value)}</Value></Others>`,
  )
  return utf8(
    `<?xml version="1.0" encoding="UTF-8"?>\n<BIR xmlns="${CBEFF_NAMESPACE}">${BIR_INFO}` +
      `${record.birs.map(encodeBir).join('')}${others.join('')}</BIR>\n`,
  )
}

function encodeBir(bir: Bir): string {
  requireBir(bir)
  const subtype = bir.subtypes.length === 0 ? '' : `<Subtype>${bir.subtypes.join(' ')}</Subtype>`
  const others = Object.entries(bir.others ?? {}).map(
    ([key, value]) => `<entry key="${escaped(key)}">${escaped(value)}</entry>`,
  )
  return (
    `<BIR>${VERSION}${CBEFF_VERSION}${BIR_INFO}<BDBInfo>` +
    `<Format><Organization>Mosip</Organization><Type>${BDB_FORMATS[bir.type]}</Type></Format>` +
    `<CreationDate>${bir.createdOn}</CreationDate><Type>${bir.type}</Type>${subtype}` +
    `<Level>${bir.level ?? 'Raw'}</Level><Purpose>${bir.purpose}</Purpose>` +
    `<Quality>${QUALITY_ALGORITHM}<Score>${Math.round(bir.quality)}</Score></Quality></BDBInfo>` +
    `<BDB>${toBase64url(bir.bdb)}</BDB>${bir.sb ? `<SB>${toBase64(bir.sb)}</SB>` : ''}` +
    `${others.length > 0 ? `<others>${others.join('')}</others>` : ''}</BIR>`
  )
}

function requireBir(bir: Bir): void {
  if (!isSubtypeOf(bir.type, bir.subtypes.join(' ')))
    throw new TypeError('not a part of this kind of biometric')
  if (!(bir.quality >= 0 && bir.quality <= MAX_QUALITY)) throw new TypeError('quality is 0 to 100')
  if (!BIR_PURPOSES.includes(bir.purpose)) throw new TypeError('not a purpose of CBEFF')
  if (bir.level !== undefined && !BIR_LEVELS.includes(bir.level)) throw new TypeError('not a level of CBEFF')
  if (Number.isNaN(Date.parse(bir.createdOn)) || /[<>&]/.test(bir.createdOn))
    throw new TypeError('not a date')
}

function escaped(text: string): string {
  if (!isXmlText(text)) throw new TypeError('a character that XML cannot hold')
  return text.replace(/[&<>"\t\n\r]/g, (character) => REFERENCES[character]!)
}
