import { KeyhavenError } from './error.ts'

/** `getRandomValues` refuses more in one call (Web Cryptography §10.1.1). */
const MAX_VALUES_BYTES = 65_536

/**
 * @throws KeyhavenError `UNSUPPORTED` if the runtime has no `crypto.getRandomValues`: React Native needs a
 * polyfill.
 */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  if (typeof globalThis.crypto?.getRandomValues !== 'function') {
    throw new KeyhavenError('UNSUPPORTED', 'this runtime has no crypto.getRandomValues: install a polyfill')
  }
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += MAX_VALUES_BYTES) {
    globalThis.crypto.getRandomValues(bytes.subarray(at, at + MAX_VALUES_BYTES))
  }
  return bytes
}
