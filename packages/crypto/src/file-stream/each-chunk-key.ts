import { AEAD_NONCE_BYTES } from '../suite.ts'
import { placesOf } from './chunk-places.ts'
import { writeChunkNonce } from './file-format.ts'
import type { ChunkKey } from './file-primitives.ts'

/** AES-256-GCM without associated data, under one key. */
export interface OneChunkCipher {
  seal(nonce: Uint8Array<ArrayBuffer>, plaintext: Uint8Array): Promise<Uint8Array>
  /** @throws KeyhavenError `OPEN_FAILED` */
  open(nonce: Uint8Array<ArrayBuffer>, ciphertext: Uint8Array): Promise<Uint8Array>
}

/** Chunks side by side, where each is a promise: a runtime may spread them over its threads. */
export function eachChunkKey(cipher: OneChunkCipher, baseNonce: Uint8Array): ChunkKey {
  const base = Uint8Array.from(baseNonce)
  const nonceOf = (chunk: number) => {
    const nonce = new Uint8Array(AEAD_NONCE_BYTES)
    writeChunkNonce(nonce, base, chunk)
    return nonce
  }
  return {
    async seal(firstChunk, plaintext, out) {
      const work = placesOf(firstChunk, plaintext.length).map(async (place) => {
        const plain = plaintext.subarray(place.plainStart, place.plainEnd)
        out.set(await cipher.seal(nonceOf(place.chunk), plain), place.sealedStart)
      })
      await Promise.all(work)
    },
    async open(firstChunk, ciphertext, out) {
      const work = placesOf(firstChunk, out.length).map(async (place) => {
        const sealed = ciphertext.subarray(place.sealedStart, place.sealedEnd)
        out.set(await cipher.open(nonceOf(place.chunk), sealed), place.plainStart)
      })
      await Promise.all(work)
    },
  }
}
