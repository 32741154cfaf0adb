import { equalConstantTime } from '../equal-constant-time.ts'
import { createFileStreams } from '../file-stream/create-file-streams.ts'
import { eachChunkKey } from '../file-stream/each-chunk-key.ts'
import type { ChunkKey, FilePrimitives } from '../file-stream/file-primitives.ts'
import { createSha256 as createNobleSha256 } from '../file-stream/noble-sha256.ts'
import { openFailed } from '../open-failed.ts'
import { randomBytes } from '../random-values.ts'
import { bufferSource } from './buffer-source.ts'

export * from '../file-stream/public-api.ts'

const AES_GCM = 'AES-GCM'
const HMAC_SHA_512 = { name: 'HMAC', hash: 'SHA-512' }

async function importChunkKey(key: Uint8Array, baseNonce: Uint8Array): Promise<ChunkKey> {
  const imported = await crypto.subtle.importKey('raw', bufferSource(key), AES_GCM, false, [
    'encrypt',
    'decrypt',
  ])
  const seal = async (iv: Uint8Array<ArrayBuffer>, plaintext: Uint8Array) =>
    new Uint8Array(await crypto.subtle.encrypt({ name: AES_GCM, iv }, imported, bufferSource(plaintext)))
  const open = async (iv: Uint8Array<ArrayBuffer>, ciphertext: Uint8Array) => {
    const sealed = bufferSource(ciphertext)
    try {
      return new Uint8Array(await crypto.subtle.decrypt({ name: AES_GCM, iv }, imported, sealed))
    } catch {
      throw openFailed()
    }
  }
  return eachChunkKey({ seal, open }, baseNonce)
}

const webFilePrimitives: FilePrimitives = {
  randomBytes,
  equalConstantTime,
  importChunkKey,
  async hmacSha512(key, data) {
    const imported = await crypto.subtle.importKey('raw', bufferSource(key), HMAC_SHA_512, false, ['sign'])
    return new Uint8Array(await crypto.subtle.sign('HMAC', imported, bufferSource(data)))
  },
  createSha256: createNobleSha256,
}

/** Files on WebCrypto. */
export const webFileStreams = createFileStreams(webFilePrimitives)
export const { createSha256, decryptFile, encryptFile, newFileKey, newFileSalt, openFile } = webFileStreams
