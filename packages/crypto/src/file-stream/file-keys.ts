import { overwrite } from '../overwrite.ts'
import { requireArgumentLength } from '../require-length.ts'
import { AEAD_NONCE_BYTES } from '../suite.ts'
import { utf8 } from '../utf8.ts'
import { Writer } from '../writer.ts'
import { FILE_COMMITMENT_BYTES, FILE_KEY_BYTES } from './file-format.ts'
import type { ChunkKey, FilePrimitives } from './file-primitives.ts'

/** Name of the AEAD in the IANA registry, as "Key derivation" asks. */
const LABEL = utf8('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0')
const FIRST_BLOCK = 1
const SECOND_BLOCK = 2

export interface FileKeys {
  readonly chunkKey: ChunkKey
  /** 32 bytes: no other key or context gives the same. */
  readonly commitment: Uint8Array
}

/**
 * key 32 ‖ base nonce 12 ‖ commitment 32 = HKDF-Expand-SHA512 (RFC 5869 §2.3), two blocks of it.
 *
 * @throws TypeError if the key is not of 32 bytes.
 */
export async function deriveFileKeys(
  primitives: FilePrimitives,
  key: Uint8Array,
  salt: Uint8Array,
  context: Uint8Array,
): Promise<FileKeys> {
  requireArgumentLength(key, FILE_KEY_BYTES, 'file key')
  const info = new Writer().bytes(LABEL).bytes(salt).bytes(context).done()
  const first = await primitives.hmacSha512(key, new Writer().bytes(info).u8(FIRST_BLOCK).done())
  const second = await primitives.hmacSha512(
    key,
    new Writer().bytes(first).bytes(info).u8(SECOND_BLOCK).done(),
  )
  const output = new Writer().bytes(first).bytes(second).done()
  const nonceAt = FILE_KEY_BYTES
  const commitmentAt = nonceAt + AEAD_NONCE_BYTES
  const chunkKey = await primitives.importChunkKey(
    output.subarray(0, nonceAt),
    output.subarray(nonceAt, commitmentAt),
  )
  const commitment = output.slice(commitmentAt, commitmentAt + FILE_COMMITMENT_BYTES)
  overwrite(first, second, output)
  return { chunkKey, commitment }
}
