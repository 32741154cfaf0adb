import { toBase64url, utf8, Writer } from '@keyhaven/crypto'
import { type ByteSource, createSha256, encryptFile } from '@keyhaven/crypto/file-stream'
import { filePlaintext } from './file-plaintext.ts'
import { PIECE_BYTES } from './tus-calls.ts'

const LABEL = utf8('keyhaven conversation file v1')

/** Part of the ciphertext, and what was before it. */
export interface SealedPiece {
  readonly start: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly end: number
  /** SHA-256 of the ciphertext up to `end`, base64url. */
  readonly digest: string
}

/** A file opens in its conversation only. */
export function fileContext(conversation: string): Uint8Array {
  return new Writer().bytes(LABEL).bytes16(utf8(conversation)).done()
}

export interface SealOptions {
  readonly key: Uint8Array
  readonly salt: Uint8Array
  readonly conversation: string
  readonly header: Uint8Array
  readonly source: ByteSource
  readonly size: number
  /** Asked before each piece but the first: whether nobody holds the bytes of the one before any more. */
  readonly mayReuse: () => boolean
}

/**
 * The ciphertext in pieces of 8 MiB, the last one shorter. The same options and bytes give the same pieces.
 */
export async function* sealedPieces(options: SealOptions): AsyncGenerator<SealedPiece, void, void> {
  const { key, salt, conversation, header, source, size, mayReuse } = options
  const context = fileContext(conversation)
  const sealed = encryptFile(filePlaintext(header, source, size), { key, salt, context, reuseMemory: true })
  const hash = createSha256()
  let start = 0
  let bytes = new Uint8Array(PIECE_BYTES)
  let filled = 0
  const piece = (): SealedPiece => {
    const part = bytes.subarray(0, filled)
    hash.update(part)
    return { start, bytes: part, end: start + filled, digest: toBase64url(hash.digest()) }
  }
  for await (const part of sealed) {
    for (let at = 0; at < part.length; ) {
      const some = part.subarray(at, at + PIECE_BYTES - filled)
      bytes.set(some, filled)
      filled += some.length
      at += some.length
      if (filled < PIECE_BYTES) continue
      yield piece()
      start += filled
      if (!mayReuse()) bytes = new Uint8Array(PIECE_BYTES)
      filled = 0
    }
  }
  if (filled > 0) yield piece()
}
