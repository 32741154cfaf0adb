import type { Awaitable } from '../backend.ts'

/** AES-256-GCM under the key and base nonce of one file. */
export interface ChunkKey {
  /**
   * Encrypts chunks that lie one behind the other: each of 16,384 bytes, the last one may be shorter; no
   * bytes at all are one empty chunk.
   *
   * @param out - as long as the plaintext and 16 bytes for each chunk.
   */
  seal(firstChunk: number, plaintext: Uint8Array, out: Uint8Array): Awaitable<void>
  /**
   * Decrypts what {@link seal} made: at least one tag.
   *
   * @param out - as long as the ciphertext without its tags. Holds nothing unauthenticated, also on failure.
   * @throws KeyhavenError `OPEN_FAILED`
   */
  open(firstChunk: number, ciphertext: Uint8Array, out: Uint8Array): Awaitable<void>
}

/** A SHA-256 of bytes that come piece by piece. */
export interface Sha256 {
  update(bytes: Uint8Array): void
  /** Of all bytes so far; more may follow. */
  digest(): Uint8Array
}

/** What a runtime must give for files. */
export interface FilePrimitives {
  randomBytes(length: number): Uint8Array
  hmacSha512(key: Uint8Array, data: Uint8Array): Awaitable<Uint8Array>
  equalConstantTime(a: Uint8Array, b: Uint8Array): boolean
  /** Copies both. */
  importChunkKey(key: Uint8Array, baseNonce: Uint8Array): Awaitable<ChunkKey>
  createSha256(): Sha256
}
