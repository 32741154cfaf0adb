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
} from './cbeff-schema.ts'

/** An element of a CBEFF file. */
export interface CbeffElement {
  readonly name: string
  /** The attribute `key`, of an `entry`. */
  readonly key: string | undefined
  readonly children: readonly CbeffElement[]
  /** What it says; but for an `entry` without the white space around it; '' for an element with children. */
  readonly text: string
}

interface Growing {
  readonly name: string
  readonly key: string | undefined
  readonly children: CbeffElement[]
  text: string
}

/**
 * Reads the elements of a CBEFF file, and only those that such a file may have: no DTD and so no entities, no
 * processing instruction, no other name space, nothing twice that may stand once, nothing over a limit.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE`
 */
export function readCbeffElements(bytes: Uint8Array): CbeffElement {
  if (bytes.length > MAX_CBEFF_BYTES) throw new KeyhavenError('WIRE_TOO_LARGE', 'CBEFF file')
  const open: Growing[] = []
  let root: Growing | undefined
  let elements = 0
  const parser = new SaxesParser({ xmlns: true, position: false })
  parser.on('error', () => refuse('not XML'))
  parser.on('doctype', () => refuse('a DTD'))
  parser.on('processinginstruction', () => refuse('a processing instruction'))
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && encoding.toUpperCase() !== 'UTF-8') refuse('an encoding that is not UTF-8')
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
    // An entry may be a text that a device signed.
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
  if (root === undefined) return refuse('no record')
  return root
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

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function refuse(what: string): never {
  throw new KeyhavenError('WIRE_MALFORMED', `CBEFF: ${what}`)
}

function tooLarge(): never {
  throw new KeyhavenError('WIRE_TOO_LARGE', 'CBEFF file')
}
