import type { CryptoBackend } from './backend.ts'
import { toBase64url } from './base64url.ts'

/**
 * Random bytes as base64url. None begins with a dash: a command line would take it for an option.
 *
 * @param length - in bytes.
 */
export function randomId(backend: Pick<CryptoBackend, 'randomBytes'>, length: number): string {
  for (;;) {
    const id = toBase64url(backend.randomBytes(length))
    if (!id.startsWith('-')) return id
  }
}
