import { openFailed } from '../open-failed.ts'
import { AEAD_TAG_BYTES } from '../suite.ts'
import { type ByteSource, piecesOf } from './byte-source.ts'
import { cutChunks } from './cut-chunks.ts'
import { type FileOptions, memoryFor } from './encrypt-file.ts'
import {
  BATCH_CHUNKS,
  FILE_CHUNK_BYTES,
  FILE_HEADER_BYTES,
  FILE_SALT_BYTES,
  MAX_FILE_CHUNKS,
  SEALED_CHUNK_BYTES,
} from './file-format.ts'
import { deriveFileKeys } from './file-keys.ts'
import type { ChunkKey, FilePrimitives } from './file-primitives.ts'

const NO_CONTEXT = new Uint8Array(0)

/**
 * @returns the file in pieces, each authenticated before it is given. Only after the last one, without an
 *   error, is the file known to be whole.
 * @throws KeyhavenError `OPEN_FAILED`, whatever the reason: key, context, or a file that is damaged,
 *   shortened, longer, or in another order.
 */
export async function* decryptFile(
  primitives: FilePrimitives,
  source: ByteSource,
  options: FileOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const pieces = piecesOf(source)
  try {
    const { header, rest } = await takeHeader(pieces)
    const chunkKey = await openHeader(primitives, header, options)
    yield* openChunks(chunkKey, 0, after(rest, pieces), options)
  } finally {
    await pieces.return()
  }
}

/** Checks the commitment before any chunk is decrypted. @throws KeyhavenError `OPEN_FAILED` */
export async function openHeader(
  primitives: FilePrimitives,
  header: Uint8Array,
  { key, context = NO_CONTEXT }: FileOptions,
): Promise<ChunkKey> {
  const salt = header.subarray(0, FILE_SALT_BYTES)
  const { chunkKey, commitment } = await deriveFileKeys(primitives, key, salt, context)
  if (!primitives.equalConstantTime(header.subarray(FILE_SALT_BYTES), commitment)) throw openFailed()
  return chunkKey
}

/**
 * Chunks up to the end of the source, whose last one must be the short one of the file.
 *
 * @param firstChunk - number of the one that the source begins with.
 * @param options.wholeChunks - the source ends within the file, behind a whole chunk.
 */
export async function* openChunks(
  chunkKey: ChunkKey,
  firstChunk: number,
  source: ByteSource,
  {
    reuseMemory,
    wholeChunks,
  }: { readonly reuseMemory?: boolean | undefined; readonly wholeChunks?: boolean },
): AsyncGenerator<Uint8Array, void, void> {
  const take = memoryFor(reuseMemory, BATCH_CHUNKS * FILE_CHUNK_BYTES)
  let chunk = firstChunk
  for await (const { bytes, last } of cutChunks(source, SEALED_CHUNK_BYTES)) {
    if (last && wholeChunks && bytes.length === 0) return
    const chunks = last ? 1 : bytes.length / SEALED_CHUNK_BYTES
    if (chunk + chunks > MAX_FILE_CHUNKS || bytes.length < AEAD_TAG_BYTES) throw openFailed()
    const opened = take(bytes.length - chunks * AEAD_TAG_BYTES)
    const opening = chunkKey.open(chunk, bytes, opened)
    if (opening) await opening
    if (opened.length > 0) yield opened
    chunk += chunks
  }
}

async function takeHeader(pieces: AsyncGenerator<Uint8Array, void, void>) {
  const header = new Uint8Array(FILE_HEADER_BYTES)
  let length = 0
  for (;;) {
    const { done, value } = await pieces.next()
    if (done) throw openFailed()
    const taken = Math.min(FILE_HEADER_BYTES - length, value.length)
    header.set(value.subarray(0, taken), length)
    length += taken
    if (length === FILE_HEADER_BYTES) return { header, rest: value.subarray(taken) }
  }
}

async function* after(first: Uint8Array, pieces: AsyncGenerator<Uint8Array, void, void>) {
  yield first
  yield* pieces
}
