import { randomBytes } from 'node:crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Caller } from '@keyhaven/directory/service'
import type { ByteRange, ObjectStore } from '../platform/objects/object-store.ts'
import type { State } from '../platform/state/state.ts'
import type { FileAccess } from './file-access.ts'
import type { StoredFile } from './file-store.ts'
import { createFileStore } from './file-store.ts'
import type { TidySummary } from './tidy-files.ts'
import { tidyFiles } from './tidy-files.ts'
import { unknownFile } from './tus-answer.ts'
import { createUploads, objectOf } from './uploads.ts'

const FILE_ID_BYTES = 16

/**
 * Files of conversations, each call with its permission. Whoever may not know gets `NOT_FOUND`, always the
 * same.
 */
export interface FileService {
  newId(): string
  /** @param bytes - of the ciphertext. */
  create(
    applicationId: string,
    caller: Caller,
    file: { readonly id: string; readonly conversation: string; readonly bytes: number },
  ): Promise<StoredFile>
  /** For HEAD: the uploading device sees how far it is, whoever may read sees that it is whole. */
  look(applicationId: string, caller: Caller, id: string): Promise<StoredFile>
  /**
   * An unfinished file, to its uploading device while it may write. @throws KeyhavenError `UPLOAD_CONFLICT`.
   */
  openUpload(applicationId: string, caller: Caller, id: string): Promise<StoredFile>
  /** A file that the caller may delete. */
  openDeletion(applicationId: string, caller: Caller, id: string): Promise<StoredFile>
  /** A whole file that the caller may read. */
  openRead(applicationId: string, caller: Caller, id: string): Promise<StoredFile>
  /** The row as it is, after one of the calls above. */
  find(applicationId: string, id: string): Promise<StoredFile | undefined>
  append(file: StoredFile, body: Uint8Array): Promise<number>
  remove(file: StoredFile, actor: string): Promise<void>
  /**
   * The bytes, after the receipt is durable.
   *
   * @throws KeyhavenError `FILE_DAMAGED` if they are gone or not as many as they were.
   */
  read(file: StoredFile, caller: Caller, range: ByteRange | undefined): Promise<ReadableStream<Uint8Array>>
  /** Gives up old uploads and deletes by the retention rules. */
  tidy(now: number, onError: (error: unknown) => void): Promise<TidySummary>
}

export interface FileServiceParts {
  readonly state: State
  readonly objects: ObjectStore
  readonly access: FileAccess
  readonly clock: () => number
  /** Of one conversation. @defaultValue 100 GiB */
  readonly conversationBytes?: number
}

export function createFileService({ state, objects, clock, ...parts }: FileServiceParts): FileService {
  const access = hidingAccess(parts.access)
  const store = createFileStore(state, parts.conversationBytes)
  const uploads = createUploads(store, objects)

  const found = async (applicationId: string, id: string): Promise<StoredFile> => {
    const file = await store.find(applicationId, id)
    if (file === undefined) throw unknownFile()
    return file
  }
  const requireUploader = async (file: StoredFile, caller: Caller): Promise<void> => {
    const { username, device } = file.by
    if (username !== caller.username || device !== caller.device) throw unknownFile()
    await access.mayCreate(file.applicationId, caller, file.conversation)
  }
  /** What a crash left between the last byte and the whole file is done now. */
  const settled = async (file: StoredFile): Promise<StoredFile> => {
    if (file.state !== 'completing') return file
    await uploads.finish(file)
    return found(file.applicationId, file.id)
  }

  return {
    tidy: (now, onError) => tidyFiles({ state, uploads, access, onError }, now),
    newId: () => randomBytes(FILE_ID_BYTES).toString('base64url'),
    find: (applicationId, id) => store.find(applicationId, id),
    append: (file, body) => uploads.append(file, body),

    async create(applicationId, caller, { id, conversation, bytes }) {
      const { membership } = await access.mayCreate(applicationId, caller, conversation)
      return store.create({ applicationId, id, conversation, membership, bytes, by: caller })
    },

    async look(applicationId, caller, id) {
      const file = await found(applicationId, id)
      if (file.state === 'complete') await access.mayRead(applicationId, caller, file)
      else await requireUploader(file, caller)
      return settled(file)
    },

    async openUpload(applicationId, caller, id) {
      const file = await found(applicationId, id)
      if (file.state === 'complete') {
        await access.mayRead(applicationId, caller, file)
        throw new KeyhavenError('UPLOAD_CONFLICT', 'the file is finished: it cannot change any more')
      }
      await requireUploader(file, caller)
      return settled(file)
    },

    async openDeletion(applicationId, caller, id) {
      const file = await found(applicationId, id)
      if (file.state === 'complete') await access.mayDelete(applicationId, caller, file)
      else await requireUploader(file, caller)
      return file
    },

    async openRead(applicationId, caller, id) {
      const file = await found(applicationId, id)
      await access.mayRead(applicationId, caller, file)
      if (file.state === 'complete') return file
      // There is no half file: only the device that writes it hears of it.
      await requireUploader(file, caller)
      throw new KeyhavenError('UPLOAD_CONFLICT', 'the file is not whole yet')
    },

    async remove(file, actor) {
      await uploads.remove(file)
      if (file.state !== 'complete') return
      const { applicationId, id, conversation, bytes } = file
      await state.transaction(async (transaction) => {
        const detail = { conversation, bytes }
        state.audit.append(transaction, { actor, action: 'file.delete', applicationId, subject: id, detail })
      })
    },

    async read(file, caller, range) {
      const info = await objects.head(objectOf(file))
      if (info?.bytes !== file.bytes) throw damaged()
      const now = clock()
      if (!(await store.wasReadLately(file, caller.device, now))) {
        await access.recordRead(file.applicationId, caller, file)
        await store.noteRead(file, caller.device, now)
      }
      const stream = await objects.read(objectOf(file), range)
      if (stream === undefined) throw damaged()
      return stream
    },
  }
}

/** Whatever the reason for `NOT_FOUND` is, the answer is one. */
function hidingAccess(access: FileAccess): FileAccess {
  const hide = (error: unknown): never => {
    throw error instanceof KeyhavenError && error.code === 'NOT_FOUND' ? unknownFile() : error
  }
  return {
    mayCreate: (...call) => access.mayCreate(...call).catch(hide),
    mayRead: (...call) => access.mayRead(...call).catch(hide),
    mayDelete: (...call) => access.mayDelete(...call).catch(hide),
    recordRead: (...call) => access.recordRead(...call).catch(hide),
    retentionDays: (...call) => access.retentionDays(...call),
  }
}

function damaged(): KeyhavenError {
  return new KeyhavenError('FILE_DAMAGED', 'the bytes of this file are lost or damaged: ask its sender again')
}
