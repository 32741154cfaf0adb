import type { XmlElement } from '../codec/xml-element.ts'

/** An element that `@xmpp/client` can send: it writes itself, and acknowledgements name the same object. */
export interface XmppElement extends XmlElement {
  toString(): string
}

/** The function `xml` of `@xmpp/client`: makes an element. */
export type XmlFactory = (
  name: string,
  attrs: Record<string, string>,
  ...children: (XmppElement | string)[]
) => XmppElement

// biome-ignore lint/suspicious/noExplicitAny: each event has arguments of its own
type Listener = (...values: any[]) => void

interface Events {
  on(event: string, listener: Listener): unknown
  removeListener(event: string, listener: Listener): unknown
}

/** XEP-0198, as `@xmpp/stream-management` has it: events `resumed`, `ack` and `fail` with the stanza. */
export interface StreamManagement extends Events {
  readonly enabled: boolean
}

/**
 * What the adapter uses of `client()` of `@xmpp/client` 0.14, which has no types: events `connect`, `online`,
 * `disconnect`, `stanza`, `nonza`, `newListener`.
 */
export interface XmppClient extends Events {
  /** Full address once bound. */
  readonly jid: { toString(): string } | null | undefined
  readonly status: string
  send(element: XmppElement): Promise<unknown>
  /** Ends the connection; the client connects again. */
  disconnect(): Promise<unknown>
  readonly iqCaller: {
    /** @throws the stanza error, with `condition`; a time-out. */
    request(stanza: XmppElement, timeoutMilliseconds?: number): Promise<XmlElement>
  }
  readonly streamManagement?: StreamManagement
}

/** Makes the client's own kind of element. */
export function toXmppElement(xml: XmlFactory, element: XmlElement): XmppElement {
  const attrs: Record<string, string> = {}
  for (const [name, value] of Object.entries(element.attrs)) if (value !== undefined) attrs[name] = value
  const children = element.children.map((child) =>
    typeof child === 'string' ? child : toXmppElement(xml, child),
  )
  return xml(element.name, attrs, ...children)
}
