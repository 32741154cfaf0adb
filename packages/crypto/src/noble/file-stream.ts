import { hmac } from '@noble/hashes/hmac.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { AEAD_AES_256_GCM } from '@panva/hpke-noble'
import { equalConstantTime } from '../equal-constant-time.ts'
import { createFileStreams } from '../file-stream/create-file-streams.ts'
import { eachChunkKey } from '../file-stream/each-chunk-key.ts'
import type { ChunkKey, FilePrimitives } from '../file-stream/file-primitives.ts'
import { createSha256 as createNobleSha256 } from '../file-stream/noble-sha256.ts'
import { openFailed } from '../open-failed.ts'
import { randomBytes } from '../random-values.ts'

export * from '../file-stream/public-api.ts'

const NO_AAD = new Uint8Array(0)

function importChunkKey(key: Uint8Array, baseNonce: Uint8Array): ChunkKey {
  const aead = AEAD_AES_256_GCM()
  const copy = Uint8Array.from(key)
  const seal = (nonce: Uint8Array, plaintext: Uint8Array) => aead.Seal(copy, nonce, NO_AAD, plaintext)
  const open = (nonce: Uint8Array, ciphertext: Uint8Array) =>
    aead.Open(copy, nonce, NO_AAD, ciphertext).catch(() => {
      throw openFailed()
    })
  return eachChunkKey({ seal, open }, baseNonce)
}

const nobleFilePrimitives: FilePrimitives = {
  randomBytes,
  equalConstantTime,
  importChunkKey,
  hmacSha512: (key, data) => hmac(sha512, key, data),
  createSha256: createNobleSha256,
}

/** Files in JavaScript alone. */
export const nobleFileStreams = createFileStreams(nobleFilePrimitives)
export const { createSha256, decryptFile, encryptFile, newFileKey, newFileSalt, openFile } = nobleFileStreams
