import { refuse } from './refuse-cbeff.ts'

const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace'
const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/'
const XMLNS_COLON = 'xmlns:'
/** NameStartChar and NameChar but for the colon (XML 1.0 §2.3), for a class of a regular expression. */
const NAME_START_CHARS =
  'A-Z_a-z\\u{c0}-\\u{d6}\\u{d8}-\\u{f6}\\u{f8}-\\u{2ff}\\u{370}-\\u{37d}\\u{37f}-\\u{1fff}\\u{200c}\\u{200d}' +
  '\\u{2070}-\\u{218f}\\u{2c00}-\\u{2fef}\\u{3001}-\\u{d7ff}\\u{f900}-\\u{fdcf}\\u{fdf0}-\\u{fffd}' +
  '\\u{10000}-\\u{effff}'
const NAME_CHARS = `${NAME_START_CHARS}\\-.0-9\\u{b7}\\u{300}-\\u{36f}\\u{203f}\\u{2040}`
const NAME_START_CHAR = new RegExp(`^[${NAME_START_CHARS}]`, 'u')
const NOT_NAME_CHAR = new RegExp(`[^${NAME_CHARS}]`, 'u')

/** Names of name spaces by prefix; by '' the default name space, whose name is '' where there is none. */
export type NamespaceScope = ReadonlyMap<string, string>

/** In the whole document (Namespaces in XML 1.0 §3 and §6.2). */
export const DOCUMENT_SCOPE: NamespaceScope = new Map([
  ['', ''],
  ['xml', XML_NAMESPACE],
])

/**
 * The prefix that an attribute of this name declares; '' for the default name space (Namespaces in XML 1.0 §3).
 *
 * @returns undefined for an attribute that declares none.
 * @throws KeyhavenError `WIRE_MALFORMED`
 */
export function declaredPrefix(attribute: string): string | undefined {
  if (attribute === 'xmlns') return ''
  if (!attribute.startsWith(XMLNS_COLON)) return undefined
  const prefix = attribute.slice(XMLNS_COLON.length)
  return isNCName(prefix) ? prefix : refuse('a prefix that is none')
}

/**
 * @param declared - what an element declares.
 * @returns what holds in the element (Namespaces in XML 1.0 §6).
 * @throws KeyhavenError `WIRE_MALFORMED` on what §2.2 and §3 forbid.
 */
export function innerScope(outer: NamespaceScope, declared: NamespaceScope): NamespaceScope {
  if (declared.size === 0) return outer
  for (const [prefix, name] of declared) {
    if (prefix !== '' && name === '') refuse('a prefix for no name space')
    if (/\s/.test(name)) refuse('a name space that is no URI')
    if (prefix === 'xmlns' || name === XMLNS_NAMESPACE) refuse('xmlns declared')
    if ((prefix === 'xml') !== (name === XML_NAMESPACE)) refuse('xml declared')
  }
  return new Map([...outer, ...declared])
}

function isNCName(text: string): boolean {
  return NAME_START_CHAR.test(text) && !NOT_NAME_CHAR.test(text)
}
