import { utf8, Writer } from '@keyhaven/crypto'

const LABEL = utf8('keyhaven store v1')

/** Associated data of a sealed value: label u8 length | version u64 | name of the key: the rest, UTF-8. */
export function sealedValueAad(key: string, version: number): Uint8Array<ArrayBuffer> {
  return new Writer(128).bytes8(LABEL).u64(version).bytes(utf8(key)).done()
}

/** Of AES-256-GCM: random, since one key seals many values. */
export const SEAL_NONCE_BYTES = 12
