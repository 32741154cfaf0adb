import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KeyhavenError } from '@keyhaven/crypto'
import { z } from 'zod'
import { toObjectError } from './disk-error.ts'
import type { ByteRange, WrittenPart } from './object-store.ts'
import { streamOf } from './stream-of.ts'

/** Names the parts of an object that was written in parts; the object is there from when this file is. */
export const MANIFEST = 'manifest.json'
/** Read at once. */
const READ_BYTES = 256 * 1_024

const manifestSchema = z.array(
  z.object({ part: z.int().min(1), tag: z.string().regex(/^[\w-]+$/), bytes: z.int().min(0) }),
)

export function partFile(part: number, tag: string): string {
  return `${part}-${tag}`
}

export function totalBytes(parts: readonly WrittenPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** @throws KeyhavenError `FILE_DAMAGED`, and what the file system says. */
export async function readManifest(folder: string): Promise<readonly WrittenPart[]> {
  const text = await readFile(join(folder, MANIFEST), 'utf8')
  try {
    return manifestSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new KeyhavenError('FILE_DAMAGED', 'the manifest of an object cannot be read', { cause })
  }
}

/** A file, or a piece of one. */
export interface FilePiece {
  readonly path: string
  readonly start: number
  readonly bytes: number
}

/** Which piece of which part makes up a range. */
export function piecesOf(folder: string, parts: readonly WrittenPart[], range: ByteRange): FilePiece[] {
  const pieces: FilePiece[] = []
  const past = Math.min(range.end === undefined ? totalBytes(parts) : range.end + 1, totalBytes(parts))
  let offset = 0
  for (const { part, tag, bytes } of parts) {
    const start = Math.max(range.start - offset, 0)
    const end = Math.min(past - offset, bytes)
    if (start < end) pieces.push({ path: join(folder, partFile(part, tag)), start, bytes: end - start })
    offset += bytes
  }
  return pieces
}

/**
 * Reads pieces one after the other, one buffer ahead at most. Fails where a file is shorter than its piece.
 */
export function streamPieces(pieces: readonly FilePiece[]): ReadableStream<Uint8Array> {
  return streamOf(readPieces(pieces))
}

async function* readPieces(pieces: readonly FilePiece[]): AsyncGenerator<Uint8Array, void, void> {
  for (const piece of pieces) {
    const file = await open(piece.path, 'r').catch((error: unknown) => {
      throw damagedOr(error)
    })
    try {
      for (let done = 0; done < piece.bytes; ) {
        const buffer = new Uint8Array(Math.min(READ_BYTES, piece.bytes - done))
        const { bytesRead } = await file.read(buffer, 0, buffer.length, piece.start + done)
        if (bytesRead === 0) throw new KeyhavenError('FILE_DAMAGED', 'a stored object is shorter than it was')
        done += bytesRead
        yield bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead)
      }
    } finally {
      await file.close()
    }
  }
}

function damagedOr(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
    ? new KeyhavenError('FILE_DAMAGED', 'a part of a stored object is missing', { cause: error })
    : toObjectError(error)
}
