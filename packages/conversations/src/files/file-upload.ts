import { fromBase64url, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { type ByteSource, encryptedFileBytes, newFileKey, newFileSalt } from '@keyhaven/crypto/file-stream'
import type { FileContent } from '../message/file-content.ts'
import { fileUrl } from '../message/file-content.ts'
import { encodeFileHeader, type FileMetadata, paddedFileBytes } from './file-header.ts'
import type { FilesPort } from './files-port.ts'
import { type SealedPiece, sealedPieces } from './sealed-pieces.ts'
import { createPatience, orAborted, type Patience } from './try-again.ts'
import { createTusCalls, PIECE_BYTES, type TusCalls } from './tus-calls.ts'
import { isLost, otherSource, readOnce, uploadLost } from './upload-errors.ts'
import { canReadAgain, type FileWaiting, metadataFor, type UploadOptions } from './upload-options.ts'
import { headerText, readUploadState, type UploadState } from './upload-state.ts'

/** One file on its way to the key server. */
export interface FileUpload {
  /**
   * Uploads, or goes on where it was: to pause, abort the signal; to resume, call it again.
   *
   * @returns what a message says about the file.
   * @throws the signal's reason when aborted; KeyhavenError `INPUT_INVALID` if the source is not what was
   *   said, or another than before; `UPLOAD_CONFLICT` if the server has lost the upload; the server's
   *   refusals.
   */
  run(signal?: AbortSignal): Promise<FileContent>
  /** Gives the upload up: the server forgets it. */
  discard(): Promise<void>
}

interface Work {
  readonly port: FilesPort
  readonly calls: TusCalls
  readonly source: ByteSource
  readonly options: UploadOptions
  readonly metadata: FileMetadata
  readonly header: Uint8Array
  readonly key: Uint8Array
  readonly salt: Uint8Array
  /** Bytes of the ciphertext. */
  readonly stored: number
  readonly patience: Patience
}

/**
 * @throws TypeError if the size is not known; KeyhavenError `INPUT_INVALID` on a name, type, thumbnail or
 *   state that cannot be used.
 */
export function createUpload(port: FilesPort, source: ByteSource, options: UploadOptions): FileUpload {
  const state = options.resume === undefined ? undefined : readUploadState(options.resume, port.conversation)
  const metadata = metadataFor(source, options, state)
  const header = encodeFileHeader(metadata)
  const work: Work = {
    port,
    calls: createTusCalls(port),
    source,
    options,
    metadata,
    header,
    key: state ? fromBase64url(state.key) : newFileKey(),
    salt: state ? fromBase64url(state.salt) : newFileSalt(),
    stored: encryptedFileBytes(paddedFileBytes(header.length, metadata.size)),
    patience: createPatience(port.wait, (waiting) => upload.waits(waiting)),
  }
  const upload = new Upload(work, state)
  return upload
}

class Upload implements FileUpload {
  readonly #work: Work
  #state: UploadState | undefined
  /** The server knows more about it than this object: after a restart, a failure, a pause. */
  #askOffset: boolean
  #offset = 0
  #pieces: AsyncGenerator<SealedPiece, void, void> | undefined
  /** The piece to send, being read or read: it stays until the server has it. */
  #next: Promise<SealedPiece> | undefined
  #running = false
  /** A call that was cut may still be sending the bytes of the piece. */
  #pieceIsHeld = false
  #begun = false

  constructor(work: Work, state: UploadState | undefined) {
    this.#work = work
    this.#state = state
    this.#askOffset = state !== undefined
  }

  async run(signal?: AbortSignal): Promise<FileContent> {
    if (this.#running) throw new TypeError('this upload is running')
    this.#running = true
    this.#work.patience.renew()
    try {
      return await this.#run(signal)
    } catch (error) {
      this.#askOffset = true
      throw error
    } finally {
      this.#running = false
    }
  }

  async discard(): Promise<void> {
    if (this.#running) throw new TypeError('this upload is running: abort it first')
    if (this.#state) await this.#work.calls.remove(this.#state.id)
    await this.#pieces?.return()
  }

  waits(waiting: FileWaiting): void {
    const { options, stored } = this.#work
    options.onProgress?.({ done: this.#offset, total: stored, waiting })
  }

  async #run(signal: AbortSignal | undefined): Promise<FileContent> {
    const { stored } = this.#work
    const id = this.#state?.id ?? (await this.#create(signal))
    for (;;) {
      if (this.#askOffset) await this.#findOffset(id, signal)
      const piece = await this.#piece(signal)
      if (piece.end === this.#state!.sent && piece.digest !== this.#state!.digest) throw otherSource()
      if (piece.end > this.#offset) await this.#send(id, piece, signal)
      this.#next = undefined
      this.#work.options.onProgress?.({ done: this.#offset, total: stored })
      if (piece.end === stored) return this.#content(id, piece.digest)
    }
  }

  async #create(signal: AbortSignal | undefined): Promise<string> {
    const { calls, metadata, port, key, salt, stored, patience } = this.#work
    for (;;) {
      try {
        const id = await calls.create(stored, signal)
        const header = headerText(metadata)
        const secrets = { key: toBase64url(key), salt: toBase64url(salt) }
        const { conversation } = port
        this.#state = { v: 1, conversation, id, ...secrets, header, sent: 0, digest: NOTHING_SENT }
        patience.renew()
        return id
      } catch (error) {
        await patience.after(error, signal)
      }
    }
  }

  /** Where the server is. It cannot be where nothing was sent, nor before what it once had. */
  async #findOffset(id: string, signal: AbortSignal | undefined): Promise<void> {
    const { calls, patience } = this.#work
    let offset: number
    for (;;) {
      try {
        offset = await calls.offset(id, signal)
        break
      } catch (error) {
        if (error instanceof KeyhavenError && error.code === 'NOT_FOUND') throw uploadLost(error)
        await patience.after(error, signal)
      }
    }
    const { sent } = this.#state!
    if (offset > sent || offset < lastPieceStart(sent)) throw uploadLost()
    if (offset > this.#offset) patience.renew()
    this.#offset = offset
    this.#askOffset = false
  }

  async #send(id: string, piece: SealedPiece, signal: AbortSignal | undefined): Promise<void> {
    const { calls, options, patience } = this.#work
    // Before anybody sees them: these bytes, and no others, may go out under this key.
    if (piece.end > this.#state!.sent) {
      const state = { ...this.#state!, sent: piece.end, digest: piece.digest }
      await options.onState?.(state)
      this.#state = state
    }
    while (this.#offset < piece.end) {
      try {
        if (this.#askOffset) await this.#findOffset(id, signal)
        if (this.#offset < piece.start) throw uploadLost()
        if (this.#offset >= piece.end) return
        signal?.throwIfAborted()
        const body = piece.bytes.subarray(this.#offset - piece.start)
        const offset = await calls.append(id, this.#offset, body, signal)
        if (offset <= this.#offset || offset > piece.end) throw uploadLost()
        this.#offset = offset
        patience.renew()
      } catch (error) {
        if (isLost(error)) throw error
        if (error instanceof KeyhavenError && error.code === 'NOT_FOUND') throw uploadLost(error)
        this.#pieceIsHeld = true
        await patience.after(error, signal)
        this.#askOffset = true
      }
    }
  }

  /** The next piece; a read that was under way when the signal came is taken up again. */
  async #piece(signal: AbortSignal | undefined): Promise<SealedPiece> {
    this.#next ??= this.#read()
    // Heard by whoever comes next.
    this.#next.catch(() => {})
    return orAborted(this.#next, signal)
  }

  async #read(): Promise<SealedPiece> {
    const { key, salt, header, source, metadata, port } = this.#work
    if (this.#pieces === undefined && this.#begun && !canReadAgain(source)) throw readOnce()
    const { conversation } = port
    const options = { key, salt, header, source, size: metadata.size, conversation, mayReuse: this.#mayReuse }
    this.#pieces ??= sealedPieces(options)
    this.#begun = true
    try {
      const { value } = await this.#pieces.next()
      if (value === undefined) throw new Error('the ciphertext ended before its own end')
      return value
    } catch (error) {
      this.#pieces = undefined
      this.#next = undefined
      throw error
    }
  }

  readonly #mayReuse = (): boolean => {
    const free = !this.#pieceIsHeld
    this.#pieceIsHeld = false
    return free
  }

  #content(id: string, digest: string): FileContent {
    const { port, key, stored, metadata } = this.#work
    const { name, type, size } = metadata
    const url = fileUrl(new URL(port.server).href, id)
    return { url, key: toBase64url(key), digest, size, stored, name, type }
  }
}

/** Of no bytes; never compared, as no piece ends at 0. */
const NOTHING_SENT = '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'

function lastPieceStart(sent: number): number {
  return sent === 0 ? 0 : Math.floor((sent - 1) / PIECE_BYTES) * PIECE_BYTES
}
