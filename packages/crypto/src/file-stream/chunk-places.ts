import { AEAD_TAG_BYTES } from '../suite.ts'
import { FILE_CHUNK_BYTES } from './file-format.ts'

/** One chunk among several: where it lies in the plaintext and in the ciphertext. */
export interface ChunkPlace {
  readonly chunk: number
  readonly plainStart: number
  readonly plainEnd: number
  readonly sealedStart: number
  readonly sealedEnd: number
}

/** @param plainBytes - of all chunks together; 0 is one empty chunk. */
export function placesOf(firstChunk: number, plainBytes: number): ChunkPlace[] {
  const places: ChunkPlace[] = []
  let plainStart = 0
  let sealedStart = 0
  do {
    const plainEnd = Math.min(plainStart + FILE_CHUNK_BYTES, plainBytes)
    const sealedEnd = sealedStart + plainEnd - plainStart + AEAD_TAG_BYTES
    places.push({ chunk: firstChunk + places.length, plainStart, plainEnd, sealedStart, sealedEnd })
    plainStart = plainEnd
    sealedStart = sealedEnd
  } while (plainStart < plainBytes)
  return places
}
