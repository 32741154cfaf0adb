import { type CryptoBackend, overwrite, toBase64url, utf8, Writer } from '@keyhaven/crypto'
import { type KeyContext, writeKeyContext } from './key-context.ts'

const LABEL = utf8('keyhaven conversation key v1')
const CAPACITY_BYTES = 512

/**
 * What an announcement says of its key: SHA-256("keyhaven conversation key v1" | application, conversation
 * and key id, each behind a u16 length | key), base64url.
 */
export async function commitmentOfKey(
  backend: Pick<CryptoBackend, 'sha256'>,
  context: KeyContext,
  key: Uint8Array,
): Promise<string> {
  const bytes = writeKeyContext(new Writer(CAPACITY_BYTES).bytes(LABEL), context).bytes(key).done()
  const digest = await backend.sha256(bytes)
  overwrite(bytes)
  return toBase64url(digest)
}
