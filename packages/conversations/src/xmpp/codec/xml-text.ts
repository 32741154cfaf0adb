import { KeyhavenError } from '@keyhaven/crypto'
import { SaxesParser } from 'saxes'
import {
  MAX_ATTRIBUTE_CHARACTERS,
  MAX_ATTRIBUTES,
  MAX_DEPTH,
  MAX_ELEMENTS,
  MAX_STANZA_CHARACTERS,
} from './limits.ts'
import { NS_CLIENT } from './namespaces.ts'
import type { XmlElement } from './xml-element.ts'

interface Growing {
  readonly name: string
  readonly attrs: Record<string, string>
  readonly children: (XmlElement | string)[]
}

/**
 * Reads one stanza. What RFC 6120 §11.1 forbids in a stream is refused: a DTD and its entities, processing
 * instructions, comments; so are undeclared prefixes, text beside the stanza, and whatever is over a limit.
 *
 * @throws KeyhavenError `WIRE_TOO_LARGE`, `WIRE_MALFORMED`
 */
export function parseStanza(text: string): XmlElement {
  if (typeof text !== 'string') throw new KeyhavenError('WIRE_MALFORMED', 'stanza')
  if (text.length > MAX_STANZA_CHARACTERS) throw new KeyhavenError('WIRE_TOO_LARGE', 'stanza')
  const open: Growing[] = []
  let root: Growing | undefined
  let elements = 0
  const parser = new SaxesParser({ xmlns: true, position: false })
  parser.on('error', () => refuse('XML'))
  parser.on('doctype', () => refuse('a DTD'))
  parser.on('xmldecl', () => refuse('an XML declaration'))
  parser.on('processinginstruction', () => refuse('a processing instruction'))
  parser.on('comment', () => refuse('a comment'))
  parser.on('opentag', ({ name, attributes }) => {
    elements++
    const element: Growing = { name, attrs: Object.create(null), children: [] }
    const entries = Object.entries(attributes)
    if (open.length >= MAX_DEPTH || elements > MAX_ELEMENTS || entries.length > MAX_ATTRIBUTES) {
      throw new KeyhavenError('WIRE_TOO_LARGE', 'stanza')
    }
    for (const [key, { value }] of entries) {
      if (value.length > MAX_ATTRIBUTE_CHARACTERS) throw new KeyhavenError('WIRE_TOO_LARGE', 'attribute')
      element.attrs[key] = value
    }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  parser.on('closetag', () => {
    open.pop()
  })
  const addText = (part: string): void => {
    const parent = open.at(-1)
    if (parent) parent.children.push(part)
    else if (part.trim() !== '') refuse('text beside the stanza')
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.write(text).close()
  if (!root) throw new KeyhavenError('WIRE_MALFORMED', 'no stanza')
  return root
}

function refuse(what: string): never {
  throw new KeyhavenError('WIRE_MALFORMED', what)
}

const NAME = /^[A-Za-z_][\w.-]*(:[A-Za-z_][\w.-]*)?$/
/** Char of XML 1.0; what is not in it cannot be written, not even as a reference. */
const NOT_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u
const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // Otherwise a parser makes spaces and line feeds of them.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

/**
 * Writes an element for a stack that takes text.
 *
 * @throws TypeError on a name or a character that XML cannot hold.
 */
export function writeElement(element: XmlElement): string {
  if (!NAME.test(element.name)) throw new TypeError('not an element name')
  let text = `<${element.name}`
  for (const [name, value] of Object.entries(element.attrs)) {
    if (value === undefined) continue
    if (!NAME.test(name)) throw new TypeError('not an attribute name')
    text += ` ${name}="${escaped(value, /[&<>"'\t\n\r]/g)}"`
  }
  if (element.children.length === 0) return `${text}/>`
  text += '>'
  for (const child of element.children) {
    text += typeof child === 'string' ? escaped(child, /[&<>\r]/g) : writeElement(child)
  }
  return `${text}</${element.name}>`
}

function escaped(text: string, characters: RegExp): string {
  if (NOT_XML.test(text)) throw new TypeError('a character that XML cannot hold')
  return text.replace(characters, (character) => REFERENCES[character]!)
}

/** A message stanza with the given children. */
export function messageElement(
  attrs: { readonly to: string; readonly type?: 'chat' | 'normal' | 'groupchat'; readonly id?: string },
  children: readonly XmlElement[],
): XmlElement {
  return { name: 'message', attrs: { xmlns: NS_CLIENT, type: 'chat', ...attrs }, children }
}
