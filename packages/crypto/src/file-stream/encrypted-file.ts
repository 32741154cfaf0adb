import { openFailed } from '../open-failed.ts'
import { type ByteSource, piecesOf } from './byte-source.ts'
import { openChunks, openHeader } from './decrypt-file.ts'
import type { FileOptions } from './encrypt-file.ts'
import {
  FILE_CHUNK_BYTES,
  FILE_HEADER_BYTES,
  plaintextFileBytes,
  SEALED_CHUNK_BYTES,
  sealedChunkOffset,
} from './file-format.ts'
import type { ChunkKey, FilePrimitives } from './file-primitives.ts'

/** Bytes `start` to `end` of the encrypted file, the end not counted: exactly so many, never empty. */
export type ReadRange = (start: number, end: number) => ByteSource | Promise<ByteSource>

export interface OpenFileOptions extends FileOptions {
  /** Size of the encrypted file. */
  readonly bytes: number
  readonly read: ReadRange
  /**
   * The size comes from somebody who is believed, such as the signed message that names the file. Otherwise
   * the last chunk is read first, which proves it.
   *
   * @defaultValue false
   */
  readonly sizeIsKnown?: boolean
}

/** A file that is read here and there. */
export interface EncryptedFile {
  /** Bytes of the plaintext. */
  readonly size: number
  /**
   * Bytes `start` to `end`, the end not counted, each authenticated before it is given; only the chunks that
   * they lie in are read. Beyond the end there is nothing.
   *
   * @throws KeyhavenError `OPEN_FAILED`; TypeError on what is no range.
   */
  read(start?: number, end?: number): AsyncGenerator<Uint8Array, void, void>
}

/** @throws KeyhavenError `OPEN_FAILED`, whatever the reason; what `read` throws. */
export async function openFile(primitives: FilePrimitives, options: OpenFileOptions): Promise<EncryptedFile> {
  const { bytes, read, sizeIsKnown = false, reuseMemory } = options
  const size = plaintextFileBytes(bytes)
  const header = new Uint8Array(FILE_HEADER_BYTES)
  let at = 0
  for await (const piece of exactly(await read(0, FILE_HEADER_BYTES), FILE_HEADER_BYTES)) {
    header.set(piece, at)
    at += piece.length
  }
  const chunkKey = await openHeader(primitives, header, options)
  const file = { chunkKey, bytes, read, reuseMemory }
  const last = Math.floor(size / FILE_CHUNK_BYTES)
  if (!sizeIsKnown) for await (const _ of chunksOf(file, last, last)) void _
  return {
    size,
    async *read(start = 0, end = size) {
      const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end
      if (!isRange) throw new TypeError('a range begins at 0 or later and does not end before')
      const stop = Math.min(end, size)
      if (start >= stop) return
      const first = Math.floor(start / FILE_CHUNK_BYTES)
      let offset = first * FILE_CHUNK_BYTES
      for await (const piece of chunksOf(file, first, Math.floor((stop - 1) / FILE_CHUNK_BYTES))) {
        const wanted = piece.subarray(Math.max(start - offset, 0), stop - offset)
        offset += piece.length
        if (wanted.length > 0) yield wanted
      }
    },
  }
}

interface OpenFile {
  readonly chunkKey: ChunkKey
  readonly bytes: number
  readonly read: ReadRange
  readonly reuseMemory: boolean | undefined
}

/** The plaintext of some chunks, both ends counted. */
async function* chunksOf(
  { chunkKey, bytes, read, reuseMemory }: OpenFile,
  first: number,
  last: number,
): AsyncGenerator<Uint8Array, void, void> {
  const start = sealedChunkOffset(first)
  const end = Math.min(sealedChunkOffset(last + 1), bytes)
  const source = exactly(await read(start, end), end - start)
  const wholeChunks = (end - start) % SEALED_CHUNK_BYTES === 0
  yield* openChunks(chunkKey, first, source, { reuseMemory, wholeChunks })
}

/** @throws KeyhavenError `OPEN_FAILED` if the source has fewer bytes, or more. */
async function* exactly(source: ByteSource, bytes: number): AsyncGenerator<Uint8Array, void, void> {
  let left = bytes
  for await (const piece of piecesOf(source)) {
    left -= piece.length
    if (left < 0) throw openFailed()
    yield piece
  }
  if (left > 0) throw openFailed()
}
