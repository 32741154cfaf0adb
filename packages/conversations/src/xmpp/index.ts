export { fromBase64, toBase64 } from './codec/base64.ts'
export { MAX_PACKET_BYTES, MAX_STANZA_CHARACTERS } from './codec/limits.ts'
export { NS_ENCRYPTED, NS_ENVELOPE } from './codec/namespaces.ts'
export {
  decodeMessage,
  encodeContent,
  FALLBACK_BODY,
  type ProtectedContent,
} from './codec/protected-content.ts'
export type { XmlElement } from './codec/xml-element.ts'
export { messageElement, parseStanza, writeElement } from './codec/xml-text.ts'
