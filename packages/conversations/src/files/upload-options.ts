import type { ByteSource } from '@keyhaven/crypto/file-stream'
import type { FileMetadata } from './file-header.ts'
import { metadataOf, type UploadState } from './upload-state.ts'

export interface FileProgress {
  /** Bytes of the ciphertext that have arrived. */
  readonly done: number
  readonly total: number
  /** Nothing moves just now: the same is tried again by itself. Left out as soon as something has moved. */
  readonly waiting?: FileWaiting
}

/** Why a file waits, and for how long until the next try. */
export interface FileWaiting {
  /**
   * - `no-answer`: the key server was not reached, or what came was cut or damaged on the way.
   * - `store-full`: the server has no room left.
   * - `store-unavailable`: the server cannot read or write just now.
   * - `too-many-calls`: the server takes no more calls of this device for a while.
   */
  readonly reason: 'no-answer' | 'store-full' | 'store-unavailable' | 'too-many-calls'
  readonly milliseconds: number
}

export interface UploadOptions {
  readonly name: string
  /** Media type. @defaultValue the Blob's own, or `application/octet-stream` */
  readonly type?: string
  /** Bytes of the source. Needed unless it is a Blob: the server wants to know how much will come. */
  readonly size?: number
  /** A small picture, at most 64 KiB: it is encrypted with the file. */
  readonly thumbnail?: Uint8Array
  readonly onProgress?: (progress: FileProgress) => void
  /**
   * Called before each piece is sent, and awaited: what it keeps, sealed, lets the upload go on after a
   * restart.
   */
  readonly onState?: (state: UploadState) => void | Promise<void>
  /** What `onState` was given; the source must be the same, from its beginning. */
  readonly resume?: UploadState
}

const DEFAULT_TYPE = 'application/octet-stream'

/** @throws TypeError if the size is not known. */
export function metadataFor(
  source: ByteSource,
  options: UploadOptions,
  state: UploadState | undefined,
): FileMetadata {
  if (state) return metadataOf(state)
  const blob = canReadAgain(source) ? source : undefined
  const size = options.size ?? blob?.size
  if (size === undefined) {
    throw new TypeError('size: how many bytes the source has; only that of a Blob is known by itself')
  }
  if (blob && blob.size !== size) throw new TypeError('size: not that of the Blob')
  const { name, thumbnail } = options
  const type = (options.type ?? blob?.type.split(';')[0]?.trim()) || DEFAULT_TYPE
  return { name, type, size, ...(thumbnail && { thumbnail }) }
}

/** Of a stream or an iterator the bytes come once. */
export function canReadAgain(source: ByteSource): source is Blob {
  return 'stream' in source && 'size' in source
}
