import { Writer } from '@keyhaven/crypto'

/**
 * A piece of content of a message of indeterminate length (RFC 9292 §3.2). An empty piece gives no bytes: it
 * would end the content.
 */
export function encodeContentChunk(content: Uint8Array): Uint8Array {
  return content.length === 0 ? content : new Writer().varint(content.length).bytes(content).done()
}
