import { randomBytes } from 'node:crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import type { ObjectStore } from '../platform/objects/object-store.ts'
import { MIN_PART_BYTES } from '../platform/objects/object-store.ts'
import type { StoredFile } from './file-store.ts'
import type { StoredUpload, UploadRows } from './upload-rows.ts'

const TAIL_NAME_BYTES = 12
export const FILES_PREFIX = 'files/'
export const TAILS_PREFIX = 'tails/'

/** Where the bytes of a file lie. */
export function objectOf({
  applicationId,
  id,
}: {
  readonly applicationId: string
  readonly id: string
}): string {
  return `${FILES_PREFIX}${applicationId}/${id}`
}

/** Where the bytes of an upload lie. */
export interface UploadPlace {
  object(upload: StoredUpload): string
  /** Begins the names of its tails. */
  tails(upload: StoredUpload): string
}

const FILE_PLACE: UploadPlace = {
  object: objectOf,
  tails: ({ applicationId, id }) => `${TAILS_PREFIX}${applicationId}/${id}`,
}

/** The bytes of uploads: in at the end, or all out. */
export interface Uploads<Upload extends StoredUpload = StoredFile> {
  /**
   * Adds bytes behind those that are there. They are durable when this returns, and may be sent again if it
   * fails.
   *
   * @returns how many the file has now.
   * @throws KeyhavenError `UPLOAD_CONFLICT` if somebody else was faster, or the file takes no more;
   * `STORE_UNAVAILABLE`.
   */
  append(file: Upload, body: Uint8Array): Promise<number>
  /** Makes one whole whose bytes are all there: what a crash left for later. */
  finish(file: Upload): Promise<void>
  /**
   * Removes bytes and row, in an order that a crash can interrupt.
   *
   * @throws KeyhavenError `UPLOAD_CONFLICT` if somebody went on with the file, or ended it, since it was
   * read.
   */
  remove(file: Upload): Promise<void>
}

/**
 * Parts of the object store have a least size, requests have none: what is too little for a part is kept as
 * an object of its own, the tail, until it is enough or the file ends.
 */
export function createUploads<Upload extends StoredUpload = StoredFile>(
  store: UploadRows<Upload>,
  objects: ObjectStore,
  place: UploadPlace = FILE_PLACE,
): Uploads<Upload> {
  const refOf = (file: Upload) => ({ name: place.object(file), upload: file.upload })

  const begun = async (file: Upload): Promise<Upload> => {
    if (file.upload !== '') return file
    const upload = await objects.beginUpload(place.object(file))
    if (await store.begin(file, upload)) return { ...file, upload }
    throw tooLate()
  }

  const finish = async (file: Upload): Promise<void> => {
    try {
      await objects.complete(refOf(file), await store.parts(file))
    } catch (error) {
      const code = error instanceof KeyhavenError ? error.code : undefined
      // Complete already, by a process that could not say so any more.
      const whole = code === 'NOT_FOUND' && (await objects.head(place.object(file)))?.bytes === file.bytes
      if (!whole) {
        if (code !== 'NOT_FOUND' && code !== 'UPLOAD_CONFLICT') throw error
        await remove(file)
        throw new KeyhavenError('UPLOAD_CONFLICT', 'parts of this upload are lost: begin it again', {
          cause: error,
        })
      }
    }
    await store.complete(file)
    await forgetTail(objects, file)
  }

  const remove = async (file: Upload): Promise<void> => {
    if (!(await store.beginDeletion(file))) throw tooLate()
    if (file.upload !== '') await objects.abort(refOf(file))
    await objects.delete(place.object(file))
    if (file.tail !== '') await objects.delete(file.tail)
    await store.forget(file)
  }

  return {
    finish,
    remove,
    async append(given, body) {
      if (given.state !== 'uploading' || body.length > given.bytes - given.received) throw tooLate()
      if (body.length === 0) return given.received
      const received = given.received + body.length
      const length = given.tailBytes + body.length
      if (length < MIN_PART_BYTES && received < given.bytes) {
        await keepTail(store, objects, place, given, await withTail(objects, given, body))
        return received
      }
      const file = await begun(given)
      const part = (await store.parts(file)).length + 1
      const tag = await objects.writePart(refOf(file), part, await withTail(objects, file, body))
      const to = { received, tail: '', tailBytes: 0, part: { part, tag, bytes: length } }
      if (!(await store.advance(file, to))) throw tooLate()
      await forgetTail(objects, file)
      if (received === file.bytes) await finish({ ...file, received, tail: '', state: 'completing' })
      return received
    },
  }
}

async function withTail(objects: ObjectStore, file: StoredUpload, body: Uint8Array): Promise<Uint8Array> {
  if (file.tail === '') return body
  const tail = await objects.get(file.tail)
  // Another request has just taken it; or it is lost, and the next answer is the same.
  if (tail?.length !== file.tailBytes) throw tooLate()
  return Buffer.concat([tail, body])
}

/** Each under a name of its own, so that of two writers the slower one harms nothing. */
async function keepTail<Upload extends StoredUpload>(
  store: UploadRows<Upload>,
  objects: ObjectStore,
  place: UploadPlace,
  file: Upload,
  bytes: Uint8Array,
): Promise<void> {
  const name = randomBytes(TAIL_NAME_BYTES).toString('base64url')
  const tail = `${place.tails(file)}/${name}`
  await objects.put(tail, bytes)
  const received = file.received - file.tailBytes + bytes.length
  if (!(await store.advance(file, { received, tail, tailBytes: bytes.length }))) {
    await forgetTail(objects, { ...file, tail })
    throw tooLate()
  }
  await forgetTail(objects, file)
}

/** One that stays is found by `files verify`: no reason to fail what has succeeded. */
async function forgetTail(objects: ObjectStore, { tail }: Pick<StoredUpload, 'tail'>): Promise<void> {
  if (tail !== '') await objects.delete(tail).catch(() => {})
}

function tooLate(): KeyhavenError {
  return new KeyhavenError(
    'UPLOAD_CONFLICT',
    'the upload is somewhere else now: ask with HEAD where it goes on',
  )
}
