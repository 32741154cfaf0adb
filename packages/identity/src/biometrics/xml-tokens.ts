import { MAX_CBEFF_ATTRIBUTE_CHARACTERS, MAX_CBEFF_ATTRIBUTES } from './cbeff-schema.ts'
import { refuse, tooLarge } from './refuse-cbeff.ts'
import { DOCUMENT_SCOPE, declaredPrefix, innerScope, type NamespaceScope } from './xml-namespaces.ts'
import { includeReferences, isXmlText, normalizeAttValue, normalizeLineEnds } from './xml-text.ts'

/** STag, or what EmptyElemTag begins (XML 1.0 §3.1); its expanded name (Namespaces in XML 1.0 §2.1). */
export interface StartTag {
  readonly type: 'start-tag'
  readonly namespaceName: string
  readonly localName: string
  /** Values by name as written, without the declarations of name spaces. */
  readonly attributes: ReadonlyMap<string, string>
}

export type XmlToken =
  | StartTag
  /** ETag, or what EmptyElemTag ends. */
  | { readonly type: 'end-tag' }
  /** CharData with what its references stand for, or CDSect: a part of an element's text. */
  | { readonly type: 'text'; readonly text: string }

/** S and Eq (XML 1.0 §2.3, §2.8) behind {@link normalizeLineEnds}. */
const S = '[ \\t\\n]'
const EQ = `${S}*=${S}*`
/** XMLDecl (§2.8). */
const XML_DECL = new RegExp(
  `<\\?xml${S}+version${EQ}(["'])1\\.0\\1(?:${S}+encoding${EQ}(["'])[Uu][Tt][Ff]-8\\2)?` +
    `(?:${S}+standalone${EQ}(["'])(?:yes|no)\\3)?${S}*\\?>`,
  'y',
)
/** Where a Name ends, it ends; whether it is one is for those to say who know which there may be. */
const NAME = '[^ \\t\\n<>&"\'=/!?]+'
const TAG_NAME = new RegExp(`<(${NAME})`, 'y')
/** Attribute (§3.1) and the white space before it. */
const ATTRIBUTE = new RegExp(`${S}+(${NAME})${EQ}(?:"([^"<]*)"|'([^'<]*)')`, 'y')
const WHITE_SPACE = new RegExp(`${S}*`, 'y')
const ONLY_WHITE_SPACE = new RegExp(`^${S}*$`)
const BYTE_ORDER_MARK = '\ufeff'

/**
 * Reads an XML document (XML 1.0 and Namespaces in XML 1.0), in time that grows as its length does. Of what XML
 * has, DTDs, entities and processing instructions are refused like what is not well-formed.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`; `WIRE_TOO_LARGE` on too many attributes, or one too long.
 */
export function readXml(text: string): Iterable<XmlToken> {
  if (!isXmlText(text)) refuse('a character that XML cannot hold')
  return new XmlReader(normalizeLineEnds(text)).tokens()
}

class XmlReader {
  readonly #document: string
  /** Elements that have no end yet: their names as written, and the name spaces in them. */
  readonly #open: { readonly name: string; readonly scope: NamespaceScope }[] = []
  #at = 0

  constructor(document: string) {
    this.#document = document
  }

  *tokens(): Iterable<XmlToken> {
    let hasRoot = false
    this.#skip(BYTE_ORDER_MARK)
    this.#take(XML_DECL)
    while (this.#at < this.#document.length) {
      const inside = this.#open.length > 0
      if (this.#skip('<!--')) {
        this.#takeUntil('--')
        if (!this.#skip('>')) refuse('-- in a comment')
      } else if (this.#skip('<![CDATA[')) {
        if (!inside) refuse('text beside the record')
        yield { type: 'text', text: this.#takeUntil(']]>') }
      } else if (this.#skip('</')) {
        this.#endTag()
        yield { type: 'end-tag' }
      } else if (this.#document.startsWith('<', this.#at)) {
        if (hasRoot && !inside) refuse('a second record')
        hasRoot = true
        const tag = this.#startTag()
        const isEmpty = this.#skip('/>')
        if (!isEmpty && !this.#skip('>')) refuse('a tag without an end')
        yield tag
        if (isEmpty) {
          this.#open.pop()
          yield { type: 'end-tag' }
        }
      } else {
        const raw = this.#charData()
        if (inside) yield { type: 'text', text: includeReferences(raw) }
        else if (!ONLY_WHITE_SPACE.test(raw)) refuse('text beside the record')
      }
    }
    if (!hasRoot || this.#open.length > 0) refuse('no end')
  }

  /** Up to `>` or `/>`. */
  #startTag(): StartTag {
    const name = this.#take(TAG_NAME)?.[1] ?? refuse('no tag that may be there')
    const attributes = new Map<string, string>()
    const declared = new Map<string, string>()
    for (let found = this.#take(ATTRIBUTE); found !== null; found = this.#take(ATTRIBUTE)) {
      const raw = found[2] ?? found[3]!
      if (attributes.size + declared.size >= MAX_CBEFF_ATTRIBUTES) tooLarge()
      if (raw.length > MAX_CBEFF_ATTRIBUTE_CHARACTERS) tooLarge()
      const prefix = declaredPrefix(found[1]!)
      const [to, key] = prefix === undefined ? [attributes, found[1]!] : [declared, prefix]
      if (to.has(key)) refuse('an attribute twice')
      to.set(key, normalizeAttValue(raw))
    }
    this.#take(WHITE_SPACE)
    const scope = innerScope(this.#open.at(-1)?.scope ?? DOCUMENT_SCOPE, declared)
    this.#open.push({ name, scope })
    const colon = name.indexOf(':')
    if (colon === 0) refuse('an empty prefix')
    const namespaceName =
      scope.get(name.slice(0, Math.max(colon, 0))) ?? refuse('a prefix that is not declared')
    return { type: 'start-tag', namespaceName, localName: name.slice(colon + 1), attributes }
  }

  /** Behind `</`. */
  #endTag(): void {
    const name = this.#open.pop()?.name
    if (name === undefined || !this.#skip(name)) refuse('another end')
    this.#take(WHITE_SPACE)
    if (!this.#skip('>')) refuse('another end')
  }

  /** Its references are not replaced. */
  #charData(): string {
    const start = this.#at
    const end = this.#document.indexOf('<', start)
    this.#at = end < 0 ? this.#document.length : end
    const raw = this.#document.slice(start, this.#at)
    if (raw.includes(']]>')) refuse(']]> in text')
    return raw
  }

  #skip(literal: string): boolean {
    const isHere = this.#document.startsWith(literal, this.#at)
    if (isHere) this.#at += literal.length
    return isHere
  }

  /** @param pattern - sticky. */
  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#document)
    if (found !== null) this.#at = pattern.lastIndex
    return found
  }

  #takeUntil(delimiter: string): string {
    const start = this.#at
    const end = this.#document.indexOf(delimiter, start)
    if (end < 0) refuse(`no ${delimiter}`)
    this.#at = end + delimiter.length
    return this.#document.slice(start, end)
  }
}
