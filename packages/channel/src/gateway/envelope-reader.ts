import {
  AEAD_TAG_BYTES,
  type AeadName,
  type Awaitable,
  aeadById,
  type CryptoBackend,
  KDF_HKDF_SHA256,
  KEM_ENCAPSULATED_KEY_BYTES,
  type KemName,
  KeyhavenError,
  kemById,
  type RecipientContext,
} from '@keyhaven/crypto'
import { ByteQueue } from '../wire/byte-queue.ts'
import { CHUNK_AAD, ChunkReader, FINAL_CHUNK_AAD } from '../wire/chunk-framing.ts'
import { type EncapsulationForm, REQUEST_HEADER_BYTES, requestInfo } from '../wire/request-header.ts'
import type { ByteSource } from './byte-source.ts'
import type { GatewayKey } from './ports.ts'

/** The clear start of an envelope. */
export interface EnvelopeHeader {
  readonly keyId: number
  readonly kem: KemName | undefined
  readonly aead: AeadName | undefined
  readonly bytes: Uint8Array
}

/** A piece of the request, opened. */
export interface OpenedChunk {
  readonly plaintext: Uint8Array
  readonly final: boolean
}

function cannotOpen(): KeyhavenError {
  return new KeyhavenError('OPEN_FAILED', 'request cannot be opened')
}

/**
 * Reads and opens one envelope as it arrives, in either form.
 *
 * Errors: `OPEN_FAILED` for everything that is wrong with what was sealed, `WIRE_TOO_LARGE` for what is over
 * a limit.
 */
export class EnvelopeReader {
  readonly form: EncapsulationForm
  readonly #backend: CryptoBackend
  readonly #source: ByteSource
  readonly #queue = new ByteQueue()
  readonly #chunks: ChunkReader
  #context: RecipientContext | undefined
  #ended = false

  constructor(backend: CryptoBackend, form: EncapsulationForm, source: ByteSource, maxChunkBytes: number) {
    this.#backend = backend
    this.form = form
    this.#source = source
    this.#chunks = new ChunkReader(this.#queue, maxChunkBytes)
  }

  /** @throws KeyhavenError `OPEN_FAILED` if the envelope has no header. */
  readHeader(): Awaitable<EnvelopeHeader> {
    const filled = this.#fill(REQUEST_HEADER_BYTES)
    return filled instanceof Promise ? filled.then(() => this.#header()) : this.#header()
  }

  #header(): EnvelopeHeader {
    if (this.#queue.available < REQUEST_HEADER_BYTES) throw cannotOpen()
    const bytes = this.#queue.take(REQUEST_HEADER_BYTES)
    const kdf = (bytes[3]! << 8) | bytes[4]!
    return {
      keyId: bytes[0]!,
      kem: kemById((bytes[1]! << 8) | bytes[2]!),
      aead: kdf === KDF_HKDF_SHA256 ? aeadById((bytes[5]! << 8) | bytes[6]!) : undefined,
      bytes,
    }
  }

  /**
   * Reads the encapsulated key and sets the HPKE context up.
   *
   * @param info - HPKE `info`, made from the header.
   * @returns the encapsulated key.
   */
  async setup(key: Required<Pick<GatewayKey, 'privateKey'>>, aead: AeadName, info: Uint8Array) {
    const { privateKey } = key
    const encBytes = KEM_ENCAPSULATED_KEY_BYTES[privateKey.kem]
    const filled = this.#fill(encBytes)
    if (filled instanceof Promise) await filled
    const suite = { kem: privateKey.kem, aead }
    if (this.#queue.available < encBytes) {
      await this.#pretend(key, suite, info)
      throw cannotOpen()
    }
    const enc = this.#queue.take(encBytes)
    const setup = this.#backend.hpke.setupRecipient(suite, privateKey, enc, info)
    const context = setup instanceof Promise ? await setup : setup
    this.#context = context
    return { enc, context }
  }

  /** A cut envelope costs what a whole one costs, so that the answers take the same time. */
  async #pretend(
    key: Required<Pick<GatewayKey, 'privateKey'>>,
    suite: { kem: KemName; aead: AeadName },
    info: Uint8Array,
  ): Promise<void> {
    const enc = new Uint8Array(KEM_ENCAPSULATED_KEY_BYTES[suite.kem])
    // The end of any public key is one that X25519 and P-256 accept; ML-KEM accepts all ciphertexts.
    enc.set(key.privateKey.publicKey.bytes.subarray(-enc.length))
    try {
      const context = await this.#backend.hpke.setupRecipient(suite, key.privateKey, enc, info)
      await context.open(new Uint8Array(AEAD_TAG_BYTES), CHUNK_AAD)
    } catch {}
  }

  /** The next piece of plaintext; after the final one there is none. */
  next(): Awaitable<OpenedChunk> {
    return this.form === 'whole' ? this.#whole() : this.#chunk()
  }

  async #whole(): Promise<OpenedChunk> {
    while (!this.#ended) {
      const pulled = this.#pull()
      if (pulled instanceof Promise) await pulled
    }
    const opening = this.#context!.open(this.#queue.take(this.#queue.available), CHUNK_AAD)
    return { plaintext: opening instanceof Promise ? await opening : opening, final: true }
  }

  async #chunk(): Promise<OpenedChunk> {
    for (;;) {
      const chunk = this.#chunks.next()
      if (chunk !== undefined) {
        const opening = this.#context!.open(chunk, CHUNK_AAD)
        return { plaintext: opening instanceof Promise ? await opening : opening, final: false }
      }
      if (this.#ended) {
        const opening = this.#context!.open(this.#chunks.final(), FINAL_CHUNK_AAD)
        return { plaintext: opening instanceof Promise ? await opening : opening, final: true }
      }
      const pulled = this.#pull()
      if (pulled instanceof Promise) await pulled
    }
  }

  /** Until `length` bytes are there, or no more come. */
  #fill(length: number): Awaitable<void> {
    while (this.#queue.available < length && !this.#ended) {
      const pulled = this.#pull()
      if (pulled instanceof Promise) return pulled.then(() => this.#fill(length))
    }
  }

  #pull(): Awaitable<void> {
    const bytes = this.#source.next()
    return bytes instanceof Promise ? bytes.then((piece) => this.#accept(piece)) : this.#accept(bytes)
  }

  #accept(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) this.#ended = true
    else this.#queue.append(bytes)
  }

  /** No more of the request is wanted. */
  cancel(): void {
    this.#source.cancel()
  }
}

const infos = new WeakMap<object, Map<string, Uint8Array>>()

/** HPKE `info` of a header, kept with the key that it names. */
export function infoOf(key: GatewayKey, form: EncapsulationForm, header: EnvelopeHeader): Uint8Array {
  const { privateKey } = key
  if (privateKey === undefined) throw new TypeError('a revoked key opens nothing')
  let known = infos.get(privateKey)
  if (known === undefined) {
    known = new Map()
    infos.set(privateKey, known)
  }
  const name = `${form} ${header.keyId} ${header.aead}`
  let info = known.get(name)
  if (info === undefined) {
    info = requestInfo(form, header.bytes)
    known.set(name, info)
  }
  return info
}
