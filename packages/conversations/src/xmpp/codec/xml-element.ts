import { NS_CLIENT } from './namespaces.ts'

/**
 * An XML element as XMPP libraries of JavaScript keep it: `Element` of `@xmpp/xml` (ltx) fits as it is.
 * `name` may have a prefix; `attrs` holds the `xmlns` declarations too; a child is an element or text.
 */
export interface XmlElement {
  readonly name: string
  readonly attrs: Readonly<Record<string, string | undefined>>
  readonly children: readonly (XmlElement | string)[]
}

const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace'

/** An element whose name and namespace are known, as its ancestors' declarations say. */
export interface QualifiedElement {
  readonly element: XmlElement
  /** Without a prefix. */
  readonly name: string
  /** Empty if there is none, undefined if its prefix is not declared: then it equals no namespace. */
  readonly namespace: string | undefined
  readonly declared: ReadonlyMap<string, string>
}

/** What a stanza stands in: the stream's default namespace. */
const STREAM_SCOPE: ReadonlyMap<string, string> = new Map([
  ['', NS_CLIENT],
  ['xml', XML_NAMESPACE],
])

/**
 * @param declared - by the ancestors: namespaces by prefix, the default one under the empty prefix. Left out
 * for a stanza.
 */
export function qualify(
  element: XmlElement,
  declared: ReadonlyMap<string, string> = STREAM_SCOPE,
): QualifiedElement {
  let own: Map<string, string> | undefined
  for (const [name, value] of Object.entries(element.attrs)) {
    if (value === undefined || (name !== 'xmlns' && !name.startsWith('xmlns:'))) continue
    own ??= new Map(declared)
    own.set(name.slice('xmlns:'.length), value)
  }
  const scope = own ?? declared
  const colon = element.name.indexOf(':')
  const prefix = colon < 0 ? '' : element.name.slice(0, colon)
  const namespace = scope.get(prefix) ?? (prefix === '' ? '' : undefined)
  return { element, name: element.name.slice(colon + 1), namespace, declared: scope }
}

/** @returns every child of this name. */
export function childrenNamed(
  parent: QualifiedElement,
  name: string,
  namespace: string,
): readonly QualifiedElement[] {
  return childElements(parent).filter((child) => child.name === name && child.namespace === namespace)
}

/** @returns the first child of this name. */
export function childNamed(
  parent: QualifiedElement,
  name: string,
  namespace: string,
): QualifiedElement | undefined {
  return childrenNamed(parent, name, namespace)[0]
}

export function childElements({ element, declared }: QualifiedElement): readonly QualifiedElement[] {
  const children: QualifiedElement[] = []
  for (const child of element.children) if (typeof child !== 'string') children.push(qualify(child, declared))
  return children
}

/** @returns the text, undefined if there are elements in it. */
export function textOf({ element }: QualifiedElement): string | undefined {
  let text = ''
  for (const child of element.children) {
    if (typeof child !== 'string') return undefined
    text += child
  }
  return text
}
