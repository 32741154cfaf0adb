import { openFailed } from '../open-failed.ts'
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES } from '../suite.ts'

// Cobblestone-256 of C2SP chunked-encryption (c2sp.org/chunked-encryption): SHA-512 and AES-256-GCM.
// salt 24 | commitment 32 | chunks of 16,384 bytes and a tag of 16 | a last, shorter chunk and its tag

export const FILE_KEY_BYTES = 32
export const FILE_SALT_BYTES = 24
export const FILE_COMMITMENT_BYTES = 32
export const FILE_HEADER_BYTES = FILE_SALT_BYTES + FILE_COMMITMENT_BYTES
/** Plaintext of every chunk but the last, which is shorter and may be empty. */
export const FILE_CHUNK_BYTES = 16_384
export const SEALED_CHUNK_BYTES = FILE_CHUNK_BYTES + AEAD_TAG_BYTES
/** The counter has 38 bits ("Message chunking"). */
export const MAX_FILE_CHUNKS = 2 ** 38
/** Chunks that are worked on in one go: 1 MiB. */
export const BATCH_CHUNKS = 64

const TWO_TO_THE_32 = 0x1_0000_0000

/** Bytes of a file after encryption. @throws TypeError if it is no size of a file: 0 to 4 PiB − 1. */
export function encryptedFileBytes(plaintextBytes: number): number {
  const fits = Number.isSafeInteger(plaintextBytes) && plaintextBytes >= 0
  if (!fits || plaintextBytes >= MAX_FILE_CHUNKS * FILE_CHUNK_BYTES) {
    throw new TypeError('a size of 0 to 4 PiB - 1 bytes')
  }
  const chunks = Math.floor(plaintextBytes / FILE_CHUNK_BYTES) + 1
  return FILE_HEADER_BYTES + plaintextBytes + chunks * AEAD_TAG_BYTES
}

/**
 * Bytes of a file before encryption. Nothing is authenticated by this.
 *
 * @throws KeyhavenError `OPEN_FAILED` if no encrypted file has this size.
 */
export function plaintextFileBytes(ciphertextBytes: number): number {
  const payload = ciphertextBytes - FILE_HEADER_BYTES
  if (!Number.isSafeInteger(payload) || payload < AEAD_TAG_BYTES) throw openFailed()
  const full = Math.floor(payload / SEALED_CHUNK_BYTES)
  const last = payload % SEALED_CHUNK_BYTES
  if (last < AEAD_TAG_BYTES || full >= MAX_FILE_CHUNKS) throw openFailed()
  return full * FILE_CHUNK_BYTES + last - AEAD_TAG_BYTES
}

/** Where a chunk begins in the encrypted file. */
export function sealedChunkOffset(chunk: number): number {
  return FILE_HEADER_BYTES + chunk * SEALED_CHUNK_BYTES
}

/** Base nonce XOR chunk number, big-endian ("AEAD usage"). @param nonce - 12 bytes, written to. */
export function writeChunkNonce(nonce: Uint8Array, baseNonce: Uint8Array, chunk: number): void {
  nonce.set(baseNonce)
  const low = chunk >>> 0
  const high = Math.floor(chunk / TWO_TO_THE_32)
  const at = AEAD_NONCE_BYTES - 5
  nonce[at] = baseNonce[at]! ^ high
  nonce[at + 1] = baseNonce[at + 1]! ^ (low >>> 24)
  nonce[at + 2] = baseNonce[at + 2]! ^ (low >>> 16)
  nonce[at + 3] = baseNonce[at + 3]! ^ (low >>> 8)
  nonce[at + 4] = baseNonce[at + 4]! ^ low
}

/** @throws RangeError: a longer file cannot be encrypted under one key. */
export function requireChunk(chunk: number): void {
  if (chunk >= MAX_FILE_CHUNKS) throw new RangeError('a file has at most 2^38 chunks')
}
