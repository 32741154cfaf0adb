import { type ByteSource, piecesOf } from './byte-source.ts'
import { BATCH_CHUNKS } from './file-format.ts'

/** Some whole chunks, or the short one at the end. Not to be used after the next is asked for. */
export interface Batch {
  readonly bytes: Uint8Array
  /** Shorter than one chunk, perhaps empty: nothing follows. */
  readonly last: boolean
}

/** Cuts bytes into chunks. They are copied only where a chunk lies across two pieces. */
export async function* cutChunks(source: ByteSource, chunkBytes: number): AsyncGenerator<Batch, void, void> {
  const carry = new Uint8Array(chunkBytes)
  let carried = 0
  for await (const piece of piecesOf(source)) {
    let at = 0
    if (carried > 0) {
      at = Math.min(chunkBytes - carried, piece.length)
      carry.set(piece.subarray(0, at), carried)
      carried += at
      if (carried < chunkBytes) continue
      carried = 0
      yield { bytes: carry, last: false }
    }
    while (piece.length - at >= chunkBytes) {
      const chunks = Math.min(Math.floor((piece.length - at) / chunkBytes), BATCH_CHUNKS)
      const end = at + chunks * chunkBytes
      yield { bytes: piece.subarray(at, end), last: false }
      at = end
    }
    carry.set(piece.subarray(at))
    carried = piece.length - at
  }
  yield { bytes: carry.subarray(0, carried), last: true }
}
