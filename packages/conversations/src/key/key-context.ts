import { utf8, type Writer } from '@keyhaven/crypto'

/** Which key: part of everything that is derived from it, wrapped or signed with it. */
export interface KeyContext {
  readonly application: string
  readonly conversation: string
  /** Id of the key. */
  readonly key: string
}

// application: u16 length, UTF-8 | conversation: u16 length, ASCII | key id: u16 length, ASCII
export function writeKeyContext(writer: Writer, { application, conversation, key }: KeyContext): Writer {
  return writer.bytes16(utf8(application)).bytes16(utf8(conversation)).bytes16(utf8(key))
}
