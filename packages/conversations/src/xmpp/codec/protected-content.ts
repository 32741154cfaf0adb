import { fromBase64, fromUtf8, KeyhavenError, toBase64, utf8 } from '@keyhaven/crypto'
import { MAX_ENVELOPE_CHARACTERS } from '@keyhaven/messaging'
import { MAX_PACKET_BYTES } from '../../message/limits.ts'
import { MAX_ENVELOPE_TEXT_CHARACTERS, MAX_PACKET_CHARACTERS } from './limits.ts'
import { NS_EME, NS_ENCRYPTED, NS_ENVELOPE, NS_HINTS } from './namespaces.ts'
import { childrenNamed, type QualifiedElement, qualify, textOf, type XmlElement } from './xml-element.ts'

const OBJECT_ID = /^[A-Za-z0-9_-]{1,64}$/
const WHITE_SPACE = ' \t\r\n'
/** XEP-0380 asks for a name people read when their client knows no such encryption. */
const EME_NAME = 'Keyhaven'
/** What a client without Keyhaven shows. */
export const FALLBACK_BODY = 'This message is encrypted with Keyhaven, which this app cannot open.'

/** What a message stanza protects: a packet of a conversation, or an envelope of `@keyhaven/messaging`. */
export type ProtectedContent =
  | {
      readonly kind: 'conversation'
      /** Id of the conversation key. */
      readonly objectId: string
      /** base64 with padding, checked. */
      readonly packet: string
    }
  | {
      readonly kind: 'envelope'
      /** JSON, as `messages.encrypt` gives it. */
      readonly envelope: string
    }

/**
 * The children of a message stanza that carry it:
 * `<encrypted xmlns='jabber:encrypted' objectid='KEY'>BASE64</encrypted>`, or
 * `<message-envelope xmlns='urn:keyhaven:message:1'>BASE64 of the envelope's UTF-8</message-envelope>`; then
 * the XEP-0380 name of the encryption, the XEP-0334 hint to store it, and a fallback body.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE` on content that {@link decodeMessage} would
 * refuse.
 */
export function encodeContent(
  content: ProtectedContent,
  options: { /** For clients that cannot decrypt. Say nothing private. */ readonly fallback?: string } = {},
): readonly XmlElement[] {
  const [carrier, namespace] =
    content.kind === 'conversation'
      ? [encryptedElement(content.objectId, content.packet), NS_ENCRYPTED]
      : [envelopeElement(content.envelope), NS_ENVELOPE]
  return [
    carrier,
    { name: 'encryption', attrs: { xmlns: NS_EME, namespace, name: EME_NAME }, children: [] },
    { name: 'store', attrs: { xmlns: NS_HINTS }, children: [] },
    { name: 'body', attrs: {}, children: [options.fallback ?? FALLBACK_BODY] },
  ]
}

/**
 * What a `<message/>` protects, from whatever library parsed it. Body text and everything else in the stanza
 * is ignored: it is not protected.
 *
 * @returns undefined if nothing in it is protected.
 * @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE` on a protected content that is not exact, and on
 * more than one.
 */
export function decodeMessage(message: XmlElement): ProtectedContent | undefined {
  return contentOf(qualify(message))
}

/** As {@link decodeMessage}, for a message within another stanza. */
export function contentOf(message: QualifiedElement): ProtectedContent | undefined {
  const encrypted = childrenNamed(message, 'encrypted', NS_ENCRYPTED)
  const envelopes = childrenNamed(message, 'message-envelope', NS_ENVELOPE)
  const [carrier, second] = [...encrypted, ...envelopes]
  if (!carrier) return undefined
  if (second) throw malformed('more than one protected content')
  return encrypted.length > 0 ? readEncrypted(carrier) : readEnvelope(carrier)
}

function readEncrypted(carrier: QualifiedElement): ProtectedContent {
  requireAttributes(carrier, ['objectid'])
  const objectId = requireObjectId(carrier.element.attrs.objectid)
  return { kind: 'conversation', objectId, packet: requirePacket(requireText(carrier)) }
}

function readEnvelope(carrier: QualifiedElement): ProtectedContent {
  requireAttributes(carrier, [])
  const text = requireText(carrier)
  if (text.length > MAX_ENVELOPE_TEXT_CHARACTERS) throw tooLarge('envelope')
  const envelope = fromUtf8(fromBase64(text))
  if (envelope === '') throw malformed('envelope')
  if (envelope.length > MAX_ENVELOPE_CHARACTERS) throw tooLarge('envelope')
  return { kind: 'envelope', envelope }
}

function encryptedElement(objectId: string, packet: string): XmlElement {
  const attrs = { xmlns: NS_ENCRYPTED, objectid: requireObjectId(objectId) }
  return { name: 'encrypted', attrs, children: [requirePacket(packet)] }
}

function envelopeElement(envelope: string): XmlElement {
  if (envelope.length > MAX_ENVELOPE_CHARACTERS) throw tooLarge('envelope')
  if (envelope === '') throw malformed('envelope')
  return { name: 'message-envelope', attrs: { xmlns: NS_ENVELOPE }, children: [toBase64(utf8(envelope))] }
}

function requireObjectId(value: string | undefined): string {
  if (typeof value !== 'string' || !OBJECT_ID.test(value)) throw malformed('objectid')
  return value
}

function requirePacket(text: string): string {
  if (text.length > MAX_PACKET_CHARACTERS) throw tooLarge('packet')
  const { length } = fromBase64(text)
  if (length === 0) throw malformed('packet')
  if (length > MAX_PACKET_BYTES) throw tooLarge('packet')
  return text
}

function requireText(carrier: QualifiedElement): string {
  const text = textOf(carrier)
  if (text === undefined) throw malformed(`elements in ${carrier.name}`)
  return trimmed(text)
}

/**
 * White space of XML around the base64, as some libraries put it, is left out; not by a pattern, which could
 * be slow.
 */
function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && WHITE_SPACE.includes(text[start]!)) start++
  while (end > start && WHITE_SPACE.includes(text[end - 1]!)) end--
  return text.slice(start, end)
}

/** Names of ours and declarations of namespaces, nothing else. */
function requireAttributes({ element, name }: QualifiedElement, allowed: readonly string[]): void {
  for (const attribute of Object.keys(element.attrs)) {
    const known = attribute === 'xmlns' || attribute.startsWith('xmlns:') || allowed.includes(attribute)
    if (!known) throw malformed(`attribute of ${name}`)
  }
}

function malformed(what: string): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', what)
}

function tooLarge(what: string): KeyhavenError {
  return new KeyhavenError('WIRE_TOO_LARGE', what)
}
