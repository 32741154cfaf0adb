import { requireArgumentLength } from '../require-length.ts'
import { AEAD_TAG_BYTES } from '../suite.ts'
import type { ByteSource } from './byte-source.ts'
import { cutChunks } from './cut-chunks.ts'
import {
  BATCH_CHUNKS,
  FILE_CHUNK_BYTES,
  FILE_SALT_BYTES,
  requireChunk,
  SEALED_CHUNK_BYTES,
} from './file-format.ts'
import { deriveFileKeys } from './file-keys.ts'
import type { FilePrimitives } from './file-primitives.ts'

export interface FileOptions {
  /** 32 uniformly random bytes. */
  readonly key: Uint8Array
  /** What the file belongs to; the same bytes are needed to decrypt. @defaultValue none */
  readonly context?: Uint8Array
  /**
   * Every piece lies in the same memory and holds until the next is asked for: for those who write it away.
   *
   * @defaultValue false
   */
  readonly reuseMemory?: boolean
}

export interface EncryptFileOptions extends FileOptions {
  /**
   * 24 bytes, only to encrypt *the same bytes* under the same key once more: other bytes under the same key
   * and salt would show both, and let anybody forge more. @defaultValue random
   */
  readonly salt?: Uint8Array
}

const NO_CONTEXT = new Uint8Array(0)
type TakeMemory = (bytes: number) => Uint8Array

/** Memory for one piece after the other: new each time, or the same again. */
export function memoryFor(reuse: boolean | undefined, maxBytes: number): TakeMemory {
  if (!reuse) return (bytes) => new Uint8Array(bytes)
  let memory: Uint8Array | undefined
  return (bytes) => {
    memory ??= new Uint8Array(maxBytes)
    return memory.subarray(0, bytes)
  }
}

/** @returns the encrypted file in pieces; the source is read no faster than they are taken. */
export async function* encryptFile(
  primitives: FilePrimitives,
  source: ByteSource,
  { key, context = NO_CONTEXT, salt, reuseMemory }: EncryptFileOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const usedSalt = salt ?? primitives.randomBytes(FILE_SALT_BYTES)
  requireArgumentLength(usedSalt, FILE_SALT_BYTES, 'salt')
  const { chunkKey, commitment } = await deriveFileKeys(primitives, key, usedSalt, context)
  yield Uint8Array.of(...usedSalt, ...commitment)
  const take = memoryFor(reuseMemory, BATCH_CHUNKS * SEALED_CHUNK_BYTES)
  let chunk = 0
  for await (const { bytes, last } of cutChunks(source, FILE_CHUNK_BYTES)) {
    const chunks = last ? 1 : bytes.length / FILE_CHUNK_BYTES
    requireChunk(chunk + chunks - 1)
    const sealed = take(bytes.length + chunks * AEAD_TAG_BYTES)
    const sealing = chunkKey.seal(chunk, bytes, sealed)
    // A promise only where the runtime has no synchronous cipher.
    if (sealing) await sealing
    yield sealed
    chunk += chunks
  }
}
