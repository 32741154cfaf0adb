import { fromUtf8, KeyhavenError } from '@keyhaven/crypto'
import { SaxesParser } from 'saxes'
import {
  CBEFF_CHILDREN,
  CBEFF_LONG,
  CBEFF_NAMESPACE,
  CBEFF_REPEATED,
  MAX_CBEFF_BYTES,
  MAX_CBEFF_DEPTH,
  MAX_CBEFF_ELEMENTS,
  MAX_CBEFF_TEXT_CHARACTERS,
} from '../../src/biometrics/cbeff-schema.ts'
import type { CbeffElement } from '../../src/biometrics/read-xml.ts'

interface Growing {
  readonly name: string
  readonly key: string | undefined
  readonly children: CbeffElement[]
  text: string
}

/** NameChar that is not NameStartChar: all that saxes lets a prefix wrongly begin with. */
const NO_NAME_START = /^[-.0-9\u00b7\u203f\u2040]|^\p{Mn}/u

/**
 * Reads the elements of a CBEFF file with saxes.
 *
 * @param strictness - `saxes` refuses what saxes does; `ours` also what our reader refuses on purpose, but for
 * the limits of attributes.
 */
export function readWithSaxes(bytes: Uint8Array, strictness: 'ours' | 'saxes' = 'ours'): CbeffElement {
  if (bytes.length > MAX_CBEFF_BYTES) tooLarge()
  const open: Growing[] = []
  let root: Growing | undefined
  let elements = 0
  const parser = new SaxesParser({ xmlns: true, position: false })
  parser.on('error', () => refuse('not XML'))
  parser.on('doctype', () => refuse('a DTD'))
  parser.on('processinginstruction', () => refuse('a processing instruction'))
  parser.on('xmldecl', ({ encoding, version }) => {
    if (encoding !== undefined && encoding.toUpperCase() !== 'UTF-8') refuse('an encoding that is not UTF-8')
    if (strictness === 'ours' && version !== '1.0') refuse('another version')
  })
  parser.on('attribute', ({ name, prefix, local, value }) => {
    if (strictness === 'saxes' || (prefix !== 'xmlns' && name !== 'xmlns')) return
    if (/\s/.test(value)) refuse('white space in the name of a name space')
    if (NO_NAME_START.test(local)) refuse('no prefix')
  })
  parser.on('opentag', ({ local, uri, attributes }) => {
    elements++
    if (open.length >= MAX_CBEFF_DEPTH || elements > MAX_CBEFF_ELEMENTS) tooLarge()
    if (uri !== CBEFF_NAMESPACE) refuse('an element of another name space')
    const parent = open.at(-1)
    requirePlace(local, parent)
    const names = Object.keys(attributes).filter((name) => name !== 'xmlns' && !name.startsWith('xmlns:'))
    if (names.some((name) => name !== 'key' || local !== 'entry')) refuse('an attribute')
    const element: Growing = { name: local, key: attributes.key?.value, children: [], text: '' }
    parent?.children.push(element)
    root ??= element
    open.push(element)
  })
  parser.on('closetag', () => {
    const closed = open.pop()!
    if (closed.name !== 'entry') closed.text = closed.text.trim()
    if (closed.children.length > 0 && closed.text !== '') refuse('text beside elements')
  })
  const addText = (part: string): void => {
    const parent = open.at(-1)
    if (parent === undefined) {
      if (part.trim() !== '') refuse('text beside the record')
      return
    }
    parent.text += part
    if (!CBEFF_LONG.includes(parent.name) && parent.text.length > MAX_CBEFF_TEXT_CHARACTERS) tooLarge()
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.write(fromUtf8(bytes)).close()
  return root ?? refuse('no record')
}

function requirePlace(name: string, parent: Growing | undefined): void {
  if (parent === undefined) {
    if (name !== 'BIR') refuse('no record')
    return
  }
  if (!CBEFF_CHILDREN[parent.name]?.includes(name)) refuse(`${name} in ${parent.name}`)
  const again = parent.children.some((child) => child.name === name)
  if (again && !CBEFF_REPEATED.includes(name)) refuse(`${name} twice`)
}

function refuse(what: string): never {
  throw new KeyhavenError('WIRE_MALFORMED', what)
}

function tooLarge(): never {
  throw new KeyhavenError('WIRE_TOO_LARGE', 'CBEFF file')
}
