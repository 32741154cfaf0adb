import {
  type CipherGCM,
  type CipherGCMOptions,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
} from 'node:crypto'
import { createFileStreams } from '../file-stream/create-file-streams.ts'
import { FILE_CHUNK_BYTES, SEALED_CHUNK_BYTES, writeChunkNonce } from '../file-stream/file-format.ts'
import type { ChunkKey, FilePrimitives } from '../file-stream/file-primitives.ts'
import { openFailed } from '../open-failed.ts'
import { overwrite } from '../overwrite.ts'
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES } from '../suite.ts'
import { equalConstantTime } from './equal-constant-time.ts'
import { plainBytes } from './plain-bytes.ts'
import { randomBytes } from './random-bytes.ts'

export * from '../file-stream/public-api.ts'

const AES_256_GCM = 'aes-256-gcm'
const TAG_LENGTH: CipherGCMOptions = { authTagLength: AEAD_TAG_BYTES }

/** A cipher object for each chunk is what node:crypto asks for: half of the time goes into making it. */
function importChunkKey(key: Uint8Array, baseNonce: Uint8Array): ChunkKey {
  const secret = createSecretKey(key)
  const base = Uint8Array.from(baseNonce)
  const nonce = new Uint8Array(AEAD_NONCE_BYTES)
  return {
    seal(firstChunk, plaintext, out) {
      let at = 0
      let to = 0
      let chunk = firstChunk
      do {
        writeChunkNonce(nonce, base, chunk++)
        const cipher: CipherGCM = createCipheriv(AES_256_GCM, secret, nonce)
        const sealed = cipher.update(plaintext.subarray(at, at + FILE_CHUNK_BYTES))
        cipher.final()
        out.set(sealed, to)
        to += sealed.length
        out.set(cipher.getAuthTag(), to)
        to += AEAD_TAG_BYTES
        at += FILE_CHUNK_BYTES
      } while (at < plaintext.length)
    },
    open(firstChunk, ciphertext, out) {
      let to = 0
      let chunk = firstChunk
      for (let at = 0; at < ciphertext.length; at += SEALED_CHUNK_BYTES) {
        const tagAt = Math.min(at + SEALED_CHUNK_BYTES, ciphertext.length) - AEAD_TAG_BYTES
        writeChunkNonce(nonce, base, chunk++)
        const decipher = createDecipheriv(AES_256_GCM, secret, nonce, TAG_LENGTH)
        decipher.setAuthTag(ciphertext.subarray(tagAt, tagAt + AEAD_TAG_BYTES))
        const opened = decipher.update(ciphertext.subarray(at, tagAt))
        try {
          decipher.final()
        } catch {
          overwrite(opened)
          throw openFailed()
        }
        out.set(opened, to)
        to += opened.length
      }
    },
  }
}

const nodeFilePrimitives: FilePrimitives = {
  randomBytes,
  equalConstantTime,
  importChunkKey,
  hmacSha512: (key, data) => plainBytes(createHmac('sha512', key).update(data).digest()),
  createSha256() {
    const hash = createHash('sha256')
    return {
      update(bytes) {
        hash.update(bytes)
      },
      digest: () => plainBytes(hash.copy().digest()),
    }
  },
}

/** Files on synchronous node:crypto. */
export const nodeFileStreams = createFileStreams(nodeFilePrimitives)
export const { createSha256, decryptFile, encryptFile, newFileKey, newFileSalt, openFile } = nodeFileStreams
