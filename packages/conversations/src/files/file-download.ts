import { fromBase64url, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import {
  type ByteSource,
  createSha256,
  decryptFile,
  type EncryptedFile,
  encryptedFileBytes,
  FILE_HEADER_BYTES,
  openFile,
  SEALED_CHUNK_BYTES,
  streamOf,
} from '@keyhaven/crypto/file-stream'
import { decodeFileContent, encodeFileContent, type FileContent, fileIdOf } from '../message/file-content.ts'
import { asDamaged, fileDamaged, orDamaged } from './file-damaged.ts'
import {
  decodeFileHeader,
  decodeHeaderLength,
  type FileMetadata,
  HEADER_LENGTH_BYTES,
  paddedFileBytes,
} from './file-header.ts'
import type { FilesPort } from './files-port.ts'
import { passiveType } from './passive-type.ts'
import { fileContext } from './sealed-pieces.ts'
import { storedBytes } from './stored-bytes.ts'
import { collect, TakeBytes } from './take-bytes.ts'
import type { FileProgress, FileWaiting } from './upload-options.ts'

export interface DownloadOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: FileProgress) => void
  /** Bytes of the file, `end` not counted; its end if there is none. Only these are fetched. */
  readonly range?: { readonly start: number; readonly end?: number }
}

export interface FileDownload {
  readonly metadata: FileMetadata
  /**
   * The bytes, each authenticated before it is given. Only its end without an error says that they are all
   * there and those that were sent. Read it once; cancelling it ends the download.
   */
  readonly stream: ReadableStream<Uint8Array>
  /**
   * All of {@link stream} as a Blob: it is there in memory, or wherever the runtime keeps Blobs. Its type is
   * the file's if that is passive (pictures, sound, film, plain text), and else `application/octet-stream`:
   * the type is the sender's word, and HTML or SVG under an address of the app's origin would run as the app.
   * `metadata.type` stays as it was sent: never give it to a Blob, a frame or a response.
   */
  blob(): Promise<Blob>
}

/** What was first read of a file: its header, and often all of a small file. */
interface OpenFile {
  readonly metadata: FileMetadata
  /** Where the bytes of the file begin in the plaintext. */
  readonly contentAt: number
}

/**
 * @throws KeyhavenError `INPUT_INVALID`, before any call, if the address is not on this key server;
 *   `FILE_DAMAGED`; the signal's reason; the server's refusals. TypeError on what is no range.
 */
export async function downloadFile(
  port: FilesPort,
  content: FileContent,
  options: DownloadOptions = {},
): Promise<FileDownload> {
  const file = checkContent(port, content)
  const { metadata, pieces } = await (options.range
    ? openRange(port, file, options)
    : openWhole(port, file, options))
  const stream = streamOf(pieces)
  return {
    metadata,
    stream,
    async blob() {
      const bytes = await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).blob()
      return bytes.slice(0, bytes.size, passiveType(metadata.type))
    },
  }
}

/** Only what lies before the bytes: name, type, size, thumbnail. Throws as {@link downloadFile}. */
export async function readFileMetadata(
  port: FilesPort,
  content: FileContent,
  { signal }: Pick<DownloadOptions, 'signal'> = {},
): Promise<FileMetadata> {
  const { open } = await openParts(port, checkContent(port, content), { ...(signal && { signal }) })
  return open.metadata
}

interface CheckedContent extends FileContent {
  readonly id: string
}

function checkContent({ server }: FilesPort, content: FileContent): CheckedContent {
  try {
    const id = fileIdOf(content.url, new URL(server).href)
    return { ...decodeFileContent(encodeFileContent(content)), id }
  } catch (cause) {
    throw new KeyhavenError('INPUT_INVALID', 'not a file of this key server: nothing was called', { cause })
  }
}

/** One call for all bytes; their digest is compared at the end. */
async function openWhole(port: FilesPort, file: CheckedContent, options: DownloadOptions) {
  const { id, stored, digest } = file
  const { signal } = options
  const hash = createSha256()
  async function* hashed() {
    const progress = progressOf(options, stored)
    for await (const piece of storedBytes(port, { id, stored, start: 0, end: stored, signal, ...progress })) {
      hash.update(piece)
      yield piece
    }
  }
  const plaintext = new TakeBytes(decryptFile(hashed(), secretsOf(port, file)))
  try {
    const open = await readHeader(file, (bytes) => plaintext.take(bytes))
    const pieces = async function* () {
      yield* plaintext.some(file.size)
      for await (const padding of plaintext.rest())
        if (!padding.every((byte) => byte === 0)) throw fileDamaged()
      if (toBase64url(hash.digest()) !== digest) throw fileDamaged()
    }
    return { metadata: open.metadata, pieces: closing(orDamaged(pieces()), plaintext) }
  } catch (error) {
    await plaintext.close()
    throw asDamaged(error)
  }
}

/** A generator that has not begun does not hear that it is to end: the download behind it has begun. */
function closing(pieces: AsyncGenerator<Uint8Array, void, void>, plaintext: TakeBytes) {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => pieces.next(),
      async return() {
        await pieces.return()
        await plaintext.close()
        return { done: true as const, value: undefined }
      },
    }),
  }
}

async function openRange(port: FilesPort, file: CheckedContent, options: DownloadOptions) {
  const { start, end = file.size } = options.range!
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end
  if (!isRange) throw new TypeError('range: it begins at 0 or later and does not end before')
  const { open, parts } = await openParts(port, file, options)
  const stop = Math.min(end, file.size)
  const from = open.contentAt
  const pieces = parts.read(from + Math.min(start, stop), from + stop)
  return { metadata: open.metadata, pieces: orDamaged(pieces) }
}

/** A file of which only some parts are fetched; the first call brings the first chunk. */
async function openParts(port: FilesPort, file: CheckedContent, options: DownloadOptions) {
  const { id, stored } = file
  const { signal } = options
  const progress = progressOf(options, stored)
  const fetchBytes = (start: number, end: number) =>
    storedBytes(port, { id, stored, start, end, signal, ...progress })
  try {
    const front = await collect(fetchBytes(0, Math.min(stored, FILE_HEADER_BYTES + SEALED_CHUNK_BYTES)))
    const read = (start: number, end: number): ByteSource =>
      end <= front.length ? [front.subarray(start, end)] : fetchBytes(start, end)
    // The size comes from a message whose sender is proven.
    const opening = { ...secretsOf(port, file), bytes: stored, read, sizeIsKnown: true }
    const parts: EncryptedFile = await openFile(opening)
    let at = 0
    const open = await readHeader(file, async (bytes) => {
      const taken = await collect(parts.read(at, at + bytes))
      at += taken.length
      return taken
    })
    return { open, parts }
  } catch (error) {
    throw asDamaged(error)
  }
}

/** @throws KeyhavenError `FILE_DAMAGED` if the header and the message say different things. */
async function readHeader(
  file: CheckedContent,
  take: (bytes: number) => Promise<Uint8Array>,
): Promise<OpenFile> {
  const length = decodeHeaderLength(await take(HEADER_LENGTH_BYTES))
  const metadata = decodeFileHeader(await take(length))
  const contentAt = HEADER_LENGTH_BYTES + length
  const isSame = metadata.name === file.name && metadata.type === file.type && metadata.size === file.size
  const isPadded = encryptedFileBytes(paddedFileBytes(contentAt, file.size)) === file.stored
  if (!isSame || !isPadded) throw fileDamaged()
  return { metadata, contentAt }
}

function secretsOf({ conversation }: FilesPort, { key }: CheckedContent) {
  return { key: fromBase64url(key), context: fileContext(conversation) }
}

function progressOf({ onProgress }: DownloadOptions, total: number) {
  if (onProgress === undefined) return {}
  let done = 0
  return {
    onBytes(bytes: number) {
      done += bytes
      onProgress({ done, total })
    },
    onWaiting: (waiting: FileWaiting) => onProgress({ done, total, waiting }),
  }
}
