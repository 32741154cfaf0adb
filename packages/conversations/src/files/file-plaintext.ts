import { KeyhavenError } from '@keyhaven/crypto'
import { type ByteSource, piecesOf } from '@keyhaven/crypto/file-stream'
import { paddedFileBytes } from './file-header.ts'

const ZEROS_BYTES = 1_048_576

/**
 * What is encrypted: header, the source's bytes, padding.
 *
 * @throws KeyhavenError `INPUT_INVALID` if the source has not `size` bytes; then nothing of the end was
 * given.
 */
export async function* filePlaintext(
  header: Uint8Array,
  source: ByteSource,
  size: number,
): AsyncGenerator<Uint8Array, void, void> {
  yield header
  let left = size
  for await (const piece of piecesOf(source)) {
    left -= piece.length
    if (left < 0) throw wrongSize()
    yield piece
  }
  if (left > 0) throw wrongSize()
  const zeros = new Uint8Array(ZEROS_BYTES)
  let padding = paddedFileBytes(header.length, size) - header.length - size
  for (; padding > 0; padding -= ZEROS_BYTES) yield zeros.subarray(0, padding)
}

function wrongSize(): KeyhavenError {
  return new KeyhavenError('INPUT_INVALID', 'the source has another size than was said')
}
