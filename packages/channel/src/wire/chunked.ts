import {
  type Awaitable,
  type CryptoBackend,
  KeyhavenError,
  type SenderContext,
  Writer,
} from '@keyhaven/crypto'
import { ByteQueue } from './byte-queue.ts'
import { CHUNK_AAD, ChunkReader, FINAL_CHUNK_AAD, frameChunk } from './chunk-framing.ts'
import { chunkNonce } from './chunk-nonce.ts'
import { type SealOptions, suiteOf } from './encapsulation.ts'
import {
  applicationExportContext,
  encodeRequestHeader,
  type RecipientKey,
  requestInfo,
} from './request-header.ts'
import { deriveResponseKey, type ResponseKey, responseNonceBytes } from './response-key.ts'

/** Seals one request in chunks (`message/ohttp-chunked-req`, chunked draft §6.1). */
export interface RequestSealer {
  /** key id u8 | KEM id u16 | KDF id u16 | AEAD id u16 | encapsulated key. Sent first. */
  readonly header: Uint8Array
  /**
   * @param plaintext - up to `CHUNK_MAX_BYTES`; empty only if final.
   * @param final - no chunk may follow.
   * @returns the chunk with its length before it.
   */
  sealChunk(plaintext: Uint8Array, final: boolean): Promise<Uint8Array>
  /** What opens the response; one for each response. */
  responseOpener(): ResponseOpener
  /**
   * A value that only the two ends of this exchange know; the handler gets it from `SealedContext.export`.
   */
  export(label: Uint8Array, length: number): Awaitable<Uint8Array>
}

/** Opens one response in chunks (`message/ohttp-chunked-res`, chunked draft §6.2). */
export interface ResponseOpener {
  /**
   * @returns the chunks that are now complete, opened. What they hold is authentic, but the message may still
   * be cut.
   * @throws KeyhavenError `OPEN_FAILED`, also for a chunk over `CHUNK_MAX_BYTES`.
   */
  push(bytes: Uint8Array): Promise<Uint8Array[]>
  /**
   * Call it when the stream has ended: only then is the final chunk known to be whole.
   *
   * @returns the final chunk, opened; it may be empty.
   * @throws KeyhavenError `OPEN_FAILED` if the message is cut or anything trails.
   */
  end(): Promise<Uint8Array>
}

export async function createRequestSealer(
  backend: CryptoBackend,
  recipient: RecipientKey,
  options: SealOptions = {},
): Promise<RequestSealer> {
  const header = encodeRequestHeader(recipient.keyId, suiteOf(recipient))
  const info = requestInfo('chunked', header)
  const setup = backend.hpke.setupSender(suiteOf(recipient), recipient.publicKey, info, options.ephemeral)
  const context = setup instanceof Promise ? await setup : setup
  let finished = false

  async function sealChunk(plaintext: Uint8Array, final: boolean): Promise<Uint8Array> {
    if (finished) throw new TypeError('the final chunk is already sealed')
    if (plaintext.length === 0 && !final) throw new TypeError('only the final chunk may be empty')
    finished = final
    const sealing = context.seal(plaintext, final ? FINAL_CHUNK_AAD : CHUNK_AAD)
    return frameChunk(sealing instanceof Promise ? await sealing : sealing, final)
  }

  return {
    header: new Writer(header.length + context.enc.length).bytes(header).bytes(context.enc).done(),
    sealChunk,
    responseOpener: () => new ChunkedResponseOpener(backend, recipient, context),
    export: (label, length) => context.export(applicationExportContext(label), length),
  }
}

class ChunkedResponseOpener implements ResponseOpener {
  readonly #backend: CryptoBackend
  readonly #recipient: RecipientKey
  readonly #context: SenderContext
  readonly #queue = new ByteQueue()
  readonly #chunks = new ChunkReader(this.#queue)
  #key: ResponseKey | undefined
  #counter = 0

  constructor(backend: CryptoBackend, recipient: RecipientKey, context: SenderContext) {
    this.#backend = backend
    this.#recipient = recipient
    this.#context = context
  }

  async push(bytes: Uint8Array): Promise<Uint8Array[]> {
    this.#queue.append(bytes)
    const opened: Uint8Array[] = []
    if (!(await this.#ready())) return opened
    for (let chunk = this.#chunks.next(); chunk !== undefined; chunk = this.#chunks.next()) {
      opened.push(await this.#open(chunk, CHUNK_AAD))
    }
    return opened
  }

  async end(): Promise<Uint8Array> {
    if (!(await this.#ready())) throw new KeyhavenError('OPEN_FAILED', 'response cannot be opened')
    return this.#open(this.#chunks.final(), FINAL_CHUNK_AAD)
  }

  async #ready(): Promise<boolean> {
    if (this.#key !== undefined) return true
    const nonceBytes = responseNonceBytes(this.#recipient.aead)
    if (this.#queue.available < nonceBytes) return false
    const nonce = this.#queue.take(nonceBytes)
    const { aead } = this.#recipient
    this.#key = await deriveResponseKey(
      this.#backend,
      'chunked',
      aead,
      this.#context,
      this.#context.enc,
      nonce,
    )
    return true
  }

  #open(sealed: Uint8Array, aad: Uint8Array): Awaitable<Uint8Array> {
    const { key, nonce } = this.#key!
    return key.open(chunkNonce(nonce, this.#counter++), sealed, aad)
  }
}
