import { KeyhavenError } from '@keyhaven/crypto'
import type { Locker, ServerOptions, Upload } from '@tus/server'
import { DataStore, Server, Upload as TusUpload } from '@tus/server'
import { MAX_PARTS, MIN_PART_BYTES } from '../platform/objects/object-store.ts'
import type { StoredFile } from './file-store.ts'
import type { StoredUpload } from './upload-rows.ts'

export const FILES_PATH = '/v1/files'
/** Of a file's ciphertext: what fits into the parts of an object, whatever the size of each request. */
export const MAX_FILE_BYTES = MAX_PARTS * MIN_PART_BYTES
/** Of one PATCH: a device's signature covers a body as a whole, so it is held in memory. */
export const MAX_PATCH_BYTES = 8 * 1_024 * 1_024

/** What a request of the protocol may do; the caller has checked that it may. */
export interface TusTarget<File extends StoredUpload = StoredFile> {
  /** Of a new file. */
  readonly newId: () => string
  readonly create: (id: string, bytes: number) => Promise<void>
  /** As it is now, under the lock. */
  readonly find: () => Promise<File | undefined>
  readonly append: (file: File, body: Uint8Array) => Promise<number>
  readonly remove: (file: File) => Promise<void>
}

/**
 * Answers one request of tus 1.0.0 (tus.io/protocols/resumable-upload): POST, HEAD, PATCH or DELETE.
 *
 * @param body - of a PATCH; empty for the others.
 * @throws KeyhavenError for every refusal, whoever made it.
 */
export async function tusAnswer<File extends StoredUpload>(
  target: TusTarget<File>,
  request: { readonly method: string; readonly url: string; readonly headers: Headers },
  body: Uint8Array<ArrayBuffer>,
  locker: Locker,
  { path, maxBytes } = { path: FILES_PATH, maxBytes: MAX_FILE_BYTES },
): Promise<Response> {
  let refusal: unknown
  const options: ServerOptions & { datastore: DataStore } = {
    path,
    datastore: createDataStore(target),
    locker,
    maxSize: maxBytes,
    relativeLocation: true,
    namingFunction: target.newId,
    onResponseError: (_, error) => {
      refusal = error
      return undefined
    },
  }
  const { method, url } = request
  const headers = new Headers([...request.headers])
  // What was read, not what was said.
  headers.set('content-length', String(body.length))
  const sent = new Request(url, { method, headers, ...(method === 'PATCH' && { body, duplex: 'half' }) })
  const answer = await new Server(options).handleWeb(sent)
  if (refusal instanceof KeyhavenError) throw refusal
  if (!answer.ok) throw await refusalOf(answer, refusal)
  const kept = [...answer.headers].filter(([name]) => !name.startsWith('access-control-'))
  return new Response(null, { status: answer.status, headers: kept })
}

function createDataStore<File extends StoredUpload>(target: TusTarget<File>): DataStore {
  const store = new DataStore()
  store.extensions = ['creation', 'termination']
  const current = async (): Promise<File> => {
    const file = await target.find()
    if (file === undefined) throw unknownFile()
    return file
  }
  return Object.assign(store, {
    async create(upload: Upload) {
      await target.create(upload.id, upload.size!)
      return upload
    },
    async getUpload() {
      const { id, bytes, received, createdAt } = await current()
      const creation_date = new Date(createdAt).toISOString()
      return new TusUpload({ id, size: bytes, offset: received, creation_date })
    },
    async write(stream: AsyncIterable<Uint8Array>, _: string, offset: number) {
      const pieces: Uint8Array[] = []
      for await (const piece of stream) pieces.push(piece)
      const file = await current()
      if (file.received !== offset) throw wrongOffset()
      return target.append(file, Buffer.concat(pieces))
    },
    async remove() {
      await target.remove(await current())
    },
  })
}

/** The one answer for whoever may not know, and for what is not there. */
export function unknownFile(): KeyhavenError {
  return new KeyhavenError('NOT_FOUND', 'there is no such conversation, key or file')
}

function wrongOffset(): KeyhavenError {
  return new KeyhavenError('UPLOAD_CONFLICT', 'Upload-Offset is not where the upload is: ask with HEAD')
}

/** The protocol's own refusals, in our terms. */
async function refusalOf(answer: Response, thrown: unknown): Promise<unknown> {
  const text = (await answer.text()).trim()
  switch (answer.status) {
    case 404:
    case 410:
      return unknownFile()
    case 409:
      return wrongOffset()
    case 412:
      return new KeyhavenError('INPUT_INVALID', 'Tus-Resumable: 1.0.0 is missing')
    case 413:
      return new KeyhavenError('WIRE_TOO_LARGE', text)
    case 400:
    case 403:
      return new KeyhavenError('INPUT_INVALID', text)
    default:
      return thrown ?? new Error(`tus: ${answer.status} ${text}`)
  }
}
