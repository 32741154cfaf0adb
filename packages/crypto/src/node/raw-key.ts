import type { KeyObject } from 'node:crypto'
import { plainBytes } from './plain-bytes.ts'

/** Raw bytes of a public key, as HPKE serialises them. */
export function rawPublic(key: KeyObject): Uint8Array {
  return plainBytes(key.export({ format: 'raw-public' }))
}

/** Raw bytes of a private key: a fresh copy, to be overwritten after use. */
export function rawPrivate(key: KeyObject): Uint8Array {
  return plainBytes(key.export({ format: 'raw-private' }))
}
