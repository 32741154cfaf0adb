import type { AeadName, Awaitable, CryptoBackend, RecipientContext } from '@keyhaven/crypto'
import { padmeLength } from '@keyhaven/crypto'
import { encodeResponse, encodeResponseHead } from '../wire/bhttp-encoder.ts'
import type { BhttpResponse } from '../wire/bhttp-message.ts'
import { chain } from '../wire/chain.ts'
import {
  CHUNK_AAD,
  CHUNK_CONTENT_BYTES,
  FINAL_CHUNK_AAD,
  frameChunk,
  PORTABLE_CHUNK_BYTES,
} from '../wire/chunk-framing.ts'
import { chunkNonce } from '../wire/chunk-nonce.ts'
import { joinBytes } from '../wire/join-bytes.ts'
import type { EncapsulationForm } from '../wire/request-header.ts'
import { deriveResponseKey, type ResponseKey, responseNonceBytes } from '../wire/response-key.ts'
import { sealMessage } from '../wire/seal-message.ts'
import type { ReadResponse, StreamedBody } from './read-response.ts'

/** What the answer to one request is sealed with. */
export interface Exchange {
  readonly form: EncapsulationForm
  readonly aead: AeadName
  readonly enc: Uint8Array
  readonly context: RecipientContext
  /** Whether the client is ours, and so takes large chunks. */
  readonly ownClient: boolean
}

/** One byte in the wire: the length of the final chunk is not said. */
const FINAL_LENGTH = Uint8Array.of(0)
/**
 * Content of a single chunk for a client that may not take more than 16 KiB: leaves room for head and
 * padding.
 */
const PORTABLE_CONTENT_BYTES = PORTABLE_CHUNK_BYTES / 2

function sealedChunk(
  key: ResponseKey,
  counter: number,
  plaintext: Uint8Array,
  final: boolean,
): Awaitable<Uint8Array> {
  return key.key.seal(chunkNonce(key.nonce, counter), plaintext, final ? FINAL_CHUNK_AAD : CHUNK_AAD)
}

/**
 * Seals a response whose content is known: `message/ohttp-res`, or one final chunk.
 *
 * @returns response nonce | ciphertext and tag, in the chunked form with a zero byte between.
 */
export async function sealWhole(
  backend: CryptoBackend,
  exchange: Exchange,
  response: BhttpResponse,
): Promise<Uint8Array> {
  const { form, aead, enc, context } = exchange
  const responseNonce = backend.randomBytes(responseNonceBytes(aead))
  const derivation = deriveResponseKey(backend, form, aead, context, enc, responseNonce)
  const key = derivation instanceof Promise ? await derivation : derivation
  const bhttp = encodeResponse(response, padmeLength)
  const sealing =
    form === 'chunked' ? sealedChunk(key, 0, bhttp, true) : key.key.seal(key.nonce, bhttp, CHUNK_AAD)
  const sealed = sealing instanceof Promise ? await sealing : sealing
  return joinBytes(form === 'chunked' ? [responseNonce, FINAL_LENGTH, sealed] : [responseNonce, sealed])
}

/** Whether content of this length goes to this client as one chunk. */
export function fitsOneChunk(exchange: Exchange, contentBytes: number): boolean {
  return contentBytes <= (exchange.ownClient ? CHUNK_CONTENT_BYTES : PORTABLE_CONTENT_BYTES)
}

/**
 * Seals a response of any length while it comes, in chunks (`message/ohttp-chunked-res`). If the body fails,
 * this fails too, and the client is left without a final chunk.
 */
export async function* sealStream(
  backend: CryptoBackend,
  exchange: Exchange,
  response: ReadResponse,
): AsyncGenerator<Uint8Array, void, void> {
  const { aead, enc, context, ownClient } = exchange
  const responseNonce = backend.randomBytes(responseNonceBytes(aead))
  const key = await deriveResponseKey(backend, 'chunked', aead, context, enc, responseNonce)
  let counter = 0
  yield responseNonce
  yield* sealMessage({
    head: encodeResponseHead({ status: response.status, headers: response.fields }),
    content: ofDeclaredLength(contentOf(response.body), declaredLength(response)),
    chunkBytes: ownClient ? CHUNK_CONTENT_BYTES : PORTABLE_CHUNK_BYTES,
    flushAtPauses: true,
    sealChunk: (plaintext, final) =>
      chain(sealedChunk(key, counter++, plaintext, final), (sealed) => frameChunk(sealed, final)),
  })
}

function declaredLength(response: ReadResponse): number | undefined {
  const field = response.fields.find(([name]) => name === 'content-length')
  return field === undefined ? undefined : Number(field[1])
}

/** Fails where the content is not as long as its `content-length` says: a client would refuse it. */
async function* ofDeclaredLength(
  content: AsyncIterable<Uint8Array>,
  declared: number | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  let total = 0
  for await (const piece of content) {
    total += piece.length
    yield piece
  }
  if (declared !== undefined && declared !== total) throw new TypeError('content is not as long as declared')
}

async function* contentOf(body: Uint8Array | StreamedBody): AsyncGenerator<Uint8Array, void, void> {
  if (body instanceof Uint8Array) {
    yield body
    return
  }
  let finished = false
  try {
    if (body.first !== undefined) yield body.first
    for (let result = await body.next; !result.done; result = await body.reader.read()) {
      if (!(result.value instanceof Uint8Array)) throw new TypeError('a body must be made of bytes')
      yield result.value
    }
    finished = true
  } finally {
    if (!finished) body.reader.cancel().catch(() => {})
  }
}

/** Collects a body up to a limit. @returns undefined if it is longer. */
export async function collectBody(
  body: Uint8Array | StreamedBody,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  if (body instanceof Uint8Array) return body.length > maxBytes ? undefined : body
  const pieces: Uint8Array[] = []
  let total = 0
  for await (const piece of contentOf(body)) {
    total += piece.length
    if (total > maxBytes) return undefined
    pieces.push(piece)
  }
  return joinBytes(pieces)
}
