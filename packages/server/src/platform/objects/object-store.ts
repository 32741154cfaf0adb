/** Parts but the last have at least this much, as S3 demands (5 MiB). */
export const MIN_PART_BYTES = 5 * 1_024 * 1_024
/** Of one object, as S3 allows. */
export const MAX_PARTS = 10_000
/** What {@link ObjectStore.get} reads at most: for more there is {@link ObjectStore.read}. */
export const MAX_WHOLE_BYTES = 16 * 1_024 * 1_024

/**
 * Letters, digits, `_` and `-`, in up to eight parts with slashes between:
 * `files/demo/q83vEjRWeJCrze8SNFZ4kA`.
 */
const OBJECT_NAME = /^[A-Za-z0-9_-]{1,128}(\/[A-Za-z0-9_-]{1,128}){0,7}$/

/** An upload that has begun. */
export interface UploadRef {
  readonly name: string
  /** What {@link ObjectStore.beginUpload} gave. */
  readonly upload: string
}

/** One part as it was written. */
export interface WrittenPart {
  /** 1 to {@link MAX_PARTS}. */
  readonly part: number
  /** What {@link ObjectStore.writePart} gave: names these very bytes. */
  readonly tag: string
  readonly bytes: number
}

/** Both ends count, from 0; without `end` to the last byte. */
export interface ByteRange {
  readonly start: number
  readonly end?: number
}

export interface ObjectInfo {
  readonly name: string
  readonly bytes: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/**
 * Where large or many sealed things lie: on disk or in S3. An object is there whole or not at all, and what a
 * promise was kept for is durable. Nothing here is secret: callers encrypt before.
 *
 * Every call throws KeyhavenError `STORE_UNAVAILABLE` if the store cannot be reached, is full or refuses us.
 */
export interface ObjectStore {
  readonly kind: 'disk' | 's3'
  /** Puts a small object in its place, over what was there. */
  put(name: string, bytes: Uint8Array): Promise<void>
  /**
   * @returns undefined if there is none.
   * @throws KeyhavenError `WIRE_TOO_LARGE` over {@link MAX_WHOLE_BYTES}.
   */
  get(name: string): Promise<Uint8Array | undefined>
  /** Begins an object that is written in parts; nobody can read it before {@link complete}. */
  beginUpload(name: string): Promise<string>
  /**
   * Writes one part, again if it must be: what counts is the tag that {@link complete} gets.
   *
   * @throws KeyhavenError `NOT_FOUND` if the upload is over.
   */
  writePart(ref: UploadRef, part: number, bytes: Uint8Array): Promise<string>
  /**
   * Makes the object of its parts, in order from 1. Once more does nothing, or says that the upload is over.
   *
   * @throws KeyhavenError `NOT_FOUND` if the upload is over, `UPLOAD_CONFLICT` if a part is not the one
   *   named.
   */
  complete(ref: UploadRef, parts: readonly WrittenPart[]): Promise<void>
  /** Forgets an upload and its parts; an unknown one is forgotten already. */
  abort(ref: UploadRef): Promise<void>
  /**
   * The bytes as they come, read no faster than they are taken; cancelling lets go of the file or connection.
   *
   * @returns undefined if there is no such object. The stream fails if the object is shorter than it should
   *   be.
   */
  read(name: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>
  head(name: string): Promise<ObjectInfo | undefined>
  /** Also of a name that is not there. */
  delete(name: string): Promise<void>
  /** Every object whose name begins so, in no order. */
  list(prefix: string): AsyncIterable<ObjectInfo>
  /** Every upload whose object's name begins so and that is neither complete nor aborted. */
  uploads(prefix: string): AsyncIterable<UploadRef & { readonly at: number }>
  /**
   * Removes what crashes left that is neither object nor upload and was not touched since `before`
   * (milliseconds).
   *
   * @returns how many pieces.
   */
  sweep(before: number): Promise<number>
  /**
   * Tries whether objects can be written, read and deleted.
   *
   * @throws KeyhavenError `CONFIG_INVALID` with what to mend.
   */
  check(): Promise<void>
  close(): void
}

/** @throws TypeError if a name is not one of ours. */
export function checkObjectName(name: string): string {
  if (!OBJECT_NAME.test(name)) throw new TypeError('object name')
  return name
}
