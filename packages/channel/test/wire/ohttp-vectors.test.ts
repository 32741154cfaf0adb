import { fromHex, type KemPublicKey, toHex } from '@keyhaven/crypto'
import { nobleBackend } from '@keyhaven/crypto/noble'
import { nodeBackend } from '@keyhaven/crypto/node'
import { webBackend } from '@keyhaven/crypto/web'
import { describe, expect, test } from 'vitest'
import { ByteQueue } from '../../src/wire/byte-queue.ts'
import { CHUNK_AAD, ChunkReader, FINAL_CHUNK_AAD, frameChunk } from '../../src/wire/chunk-framing.ts'
import { chunkNonce } from '../../src/wire/chunk-nonce.ts'
import { createRequestSealer } from '../../src/wire/chunked.ts'
import { sealRequest } from '../../src/wire/encapsulation.ts'
import { decodeKeyConfig, encodeKeyConfig, encodeKeyConfigList } from '../../src/wire/key-config.ts'
import { encodeRequestHeader, requestInfo } from '../../src/wire/request-header.ts'
import { deriveResponseKey } from '../../src/wire/response-key.ts'
import { readVectors } from '../vectors.ts'

interface WholeVector {
  keyConfig: string
  privateKey: string
  publicKey: string
  request: string
  response: string
}

interface ChunkedVector {
  skR: string
  keyConfig: string
  request: string
  skE: string
  enc: string
  info: string
  encapsulatedRequest: string
  response: string
  responseNonce: string
  responseChunks: { plaintext: string; chunkNonce: string; ciphertext: string; final?: boolean }[]
  encapsulatedResponse: string
}

const [whole] = readVectors<{ vectors: [WholeVector] }>('rfc9458.json').vectors
const [chunked] = readVectors<{ vectors: [ChunkedVector] }>('chunked-ohttp-08.json').vectors
const KEY_ID = 1
const AEAD = 'aes-128-gcm'
const SUITE = { kem: 'x25519', aead: AEAD } as const

/**
 * As RFC 9458 appendix A prints them; the JSON has another ephemeral key and response nonce, and no messages.
 */
const WHOLE_EPHEMERAL = 'bc51d5e930bda26589890ac7032f70ad12e4ecb37abb1b65b1256c9c48999c73'
const WHOLE_ENCAPSULATED_REQUEST =
  '010020000100014b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b472' +
  '6374e469135906992e1268c594d2a10c695d858c40a026e7965e7d86b83dd440b2c0185204b4d63525'
const WHOLE_ENCAPSULATED_RESPONSE = 'c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd'

/**
 * The lengths at which the chunked draft's appendix A cuts its request (its text, which the JSON does not
 * follow).
 */
const REQUEST_CHUNK_BYTES = [12, 13, 0]

async function pieces(sealer: Awaited<ReturnType<typeof createRequestSealer>>, request: Uint8Array) {
  const sealed = [toHex(sealer.header)]
  let at = 0
  for (const [index, length] of REQUEST_CHUNK_BYTES.entries()) {
    const final = index === REQUEST_CHUNK_BYTES.length - 1
    sealed.push(toHex(await sealer.sealChunk(request.subarray(at, at + length), final)))
    at += length
  }
  return sealed.join('')
}

describe('key configurations of the appendices', () => {
  // The JSON of the chunked draft has a zero byte after the key configuration and after info: both are ours
  // to refuse.
  test.each([
    ['RFC 9458', whole.keyConfig],
    ['chunked draft 08', chunked.keyConfig.slice(0, -2)],
  ])('%s', (_name, hex) => {
    const config = decodeKeyConfig(fromHex(hex))
    expect(config).toMatchObject({
      keyId: KEY_ID,
      kem: 'x25519',
      symmetric: [
        { kdf: 1, aead: 1 },
        { kdf: 1, aead: 3 },
      ],
    })
    expect(toHex(encodeKeyConfig(config))).toBe(hex)
    expect(toHex(encodeKeyConfigList([config]))).toBe(`002d${hex}`)
    expect(() => decodeKeyConfig(fromHex(`${hex}00`))).toThrow('trailing')
  })
})

describe.each([
  ['node', nodeBackend],
  ['noble', nobleBackend],
] as const)('sealing with given randomness, %s', (_name, backend) => {
  const importKey = (keyConfig: string): Promise<KemPublicKey> | KemPublicKey =>
    backend.kem.importPublicKey('x25519', decodeKeyConfig(fromHex(keyConfig)).publicKey)

  test('RFC 9458 appendix A, request', async () => {
    const publicKey = await importKey(whole.keyConfig)
    const options = { ephemeral: fromHex(WHOLE_EPHEMERAL) }
    const sealed = await sealRequest(
      backend,
      { keyId: KEY_ID, publicKey, aead: AEAD },
      fromHex(whole.request),
      options,
    )
    expect(toHex(sealed.encapsulated)).toBe(WHOLE_ENCAPSULATED_REQUEST)
    expect(toHex(await sealed.open(fromHex(WHOLE_ENCAPSULATED_RESPONSE)))).toBe(whole.response)
  })

  test('chunked draft 08 appendix A, request and response', async () => {
    const publicKey = await importKey(chunked.keyConfig.slice(0, -2))
    const options = { ephemeral: fromHex(chunked.skE) }
    const sealer = await createRequestSealer(backend, { keyId: KEY_ID, publicKey, aead: AEAD }, options)
    expect(await pieces(sealer, fromHex(chunked.request))).toBe(chunked.encapsulatedRequest)
    const opener = sealer.responseOpener()
    const opened = await opener.push(fromHex(chunked.encapsulatedResponse))
    expect([...opened, await opener.end()].map(toHex)).toEqual(
      chunked.responseChunks.map(({ plaintext }) => plaintext),
    )
  })
})

describe.each([
  ['node', nodeBackend],
  ['webcrypto', webBackend],
  ['noble', nobleBackend],
] as const)('opening, %s', (_name, backend) => {
  test('RFC 9458 appendix A: the request opens, the response seals to the published bytes', async () => {
    const privateKey = await backend.kem.importPrivateKey('x25519', fromHex(whole.privateKey))
    expect(toHex(privateKey.publicKey.bytes)).toBe(whole.publicKey)
    const bytes = fromHex(WHOLE_ENCAPSULATED_REQUEST)
    const header = encodeRequestHeader(KEY_ID, SUITE)
    expect(toHex(bytes.subarray(0, 7))).toBe(toHex(header))
    const enc = bytes.subarray(7, 39)
    const context = await backend.hpke.setupRecipient(SUITE, privateKey, enc, requestInfo('whole', header))
    expect(toHex(await context.open(bytes.subarray(39), CHUNK_AAD))).toBe(whole.request)
    const sealed = fromHex(WHOLE_ENCAPSULATED_RESPONSE)
    const responseNonce = sealed.subarray(0, 16)
    const key = await deriveResponseKey(backend, 'whole', AEAD, context, enc, responseNonce)
    const response = await key.key.seal(key.nonce, fromHex(whole.response), CHUNK_AAD)
    expect(toHex(responseNonce) + toHex(response)).toBe(WHOLE_ENCAPSULATED_RESPONSE)
  })

  test('chunked draft 08 appendix A: the request opens, the response seals to the published bytes', async () => {
    const privateKey = await backend.kem.importPrivateKey('x25519', fromHex(chunked.skR))
    const header = encodeRequestHeader(KEY_ID, SUITE)
    const info = requestInfo('chunked', header)
    expect(`${toHex(info)}00`).toBe(chunked.info)
    const bytes = fromHex(chunked.encapsulatedRequest)
    const enc = bytes.subarray(7, 39)
    expect(toHex(enc)).toBe(chunked.enc)
    const context = await backend.hpke.setupRecipient(SUITE, privateKey, enc, info)
    const queue = new ByteQueue()
    queue.append(bytes.subarray(39))
    const reader = new ChunkReader(queue)
    let opened = ''
    for (let chunk = reader.next(); chunk !== undefined; chunk = reader.next()) {
      opened += toHex(await context.open(chunk, CHUNK_AAD))
    }
    opened += toHex(await context.open(reader.final(), FINAL_CHUNK_AAD))
    expect(opened).toBe(chunked.request)

    const responseNonce = fromHex(chunked.responseNonce)
    const key = await deriveResponseKey(backend, 'chunked', AEAD, context, enc, responseNonce)
    let sealed = chunked.responseNonce
    for (const [counter, chunk] of chunked.responseChunks.entries()) {
      const nonce = chunkNonce(key.nonce, counter)
      expect(toHex(nonce)).toBe(chunk.chunkNonce)
      const final = chunk.final ?? false
      const ciphertext = await key.key.seal(
        nonce,
        fromHex(chunk.plaintext),
        final ? FINAL_CHUNK_AAD : CHUNK_AAD,
      )
      sealed += toHex(frameChunk(ciphertext, final))
    }
    expect(sealed).toBe(chunked.encapsulatedResponse)
  })
})
