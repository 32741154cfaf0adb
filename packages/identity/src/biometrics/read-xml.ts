import { fromUtf8 } from '@keyhaven/crypto'
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
import { refuse, tooLarge } from './refuse-cbeff.ts'
import { readXml, type StartTag } from './xml-tokens.ts'

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
 * Reads the elements of a CBEFF file, and only those that such a file may have: no other name space, nothing
 * twice that may stand once, nothing over a limit.
 *
 * @param file - its bytes, or their text where they were decoded already.
 * @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE`
 */
export function readCbeffElements(file: Uint8Array | string): CbeffElement {
  if (file.length > MAX_CBEFF_BYTES) tooLarge()
  const open: Growing[] = []
  let root: Growing | undefined
  let elements = 0
  for (const token of readXml(typeof file === 'string' ? file : fromUtf8(file))) {
    if (token.type === 'start-tag') {
      elements++
      if (open.length >= MAX_CBEFF_DEPTH || elements > MAX_CBEFF_ELEMENTS) tooLarge()
      const parent = open.at(-1)
      const element = startElement(token, parent)
      parent?.children.push(element)
      root ??= element
      open.push(element)
    } else if (token.type === 'text') addText(open.at(-1)!, token.text)
    else endElement(open.pop()!)
  }
  return root!
}

function startElement(
  { namespaceName, localName, attributes }: StartTag,
  parent: Growing | undefined,
): Growing {
  if (namespaceName !== CBEFF_NAMESPACE) refuse('an element of another name space')
  requirePlace(localName, parent)
  const key = localName === 'entry' ? attributes.get('key') : undefined
  if (attributes.size > (key === undefined ? 0 : 1)) refuse('an attribute')
  return { name: localName, key, children: [], text: '' }
}

function requirePlace(name: string, parent: Growing | undefined): void {
  if (parent === undefined) {
    if (name !== 'BIR') refuse('no record')
    return
  }
  if (!CBEFF_CHILDREN[parent.name]?.includes(name)) refuse(`${name} in ${parent.name}`)
  if (!CBEFF_REPEATED.includes(name) && parent.children.some((child) => child.name === name)) {
    refuse(`${name} twice`)
  }
}

function addText(element: Growing, part: string): void {
  element.text += part
  if (!CBEFF_LONG.includes(element.name) && element.text.length > MAX_CBEFF_TEXT_CHARACTERS) tooLarge()
}

function endElement(element: Growing): void {
  // An entry may be a text that a device signed.
  if (element.name !== 'entry') element.text = element.text.trim()
  if (element.children.length > 0 && element.text !== '') refuse('text beside elements')
}
