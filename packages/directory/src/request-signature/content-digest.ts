import type { CryptoBackend } from '@keyhaven/crypto'
import { serializeBytes } from './structured-field.ts'

/** Value of the `Content-Digest` field (RFC 9530 §2) with SHA-256, the only algorithm we write and read. */
export async function contentDigest(backend: CryptoBackend, body: Uint8Array): Promise<string> {
  return `sha-256=${serializeBytes(await backend.sha256(body))}`
}
