import type { OpenAPIHono } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Context } from 'hono'
import type { UserEnv } from '../directory/device-guard.ts'
import { requireCaller } from '../directory/directory-routes.ts'
import { problemResponse } from '../platform/http/problem.ts'
import { createRateLimiter } from '../platform/http/rate-limit.ts'
import { StoreFullError } from '../platform/objects/store-full-error.ts'
import { parseByteRange } from './byte-range.ts'
import type { FileService } from './file-service.ts'
import type { StoredFile } from './file-store.ts'
import type { TusTarget } from './tus-answer.ts'
import { FILES_PATH, MAX_FILE_BYTES, tusAnswer, unknownFile } from './tus-answer.ts'
import { createUploadLocks } from './upload-locks.ts'

const FILE_PATH = `${FILES_PATH}/:id`
const CONVERSATION_HEADER = 'keyhaven-conversation'
/** 16 bytes, base64url. */
const ID = /^[\w-]{22}$/
/**
 * What of the protocol is not spoken: names in clear, uploads of unknown length or of pieces, another method.
 */
const REFUSED_HEADERS = ['upload-metadata', 'upload-concat', 'upload-defer-length', 'x-http-method-override']
/** Of new files, by device. */
const CREATIONS = { burst: 60, perMinute: 60, maxCallers: 100_000 }
const STATUS_PARTIAL = 206
const STATUS_RANGE_NOT_SATISFIABLE = 416
const STATUS_INSUFFICIENT_STORAGE = 507
const NO_BODY = new Uint8Array(0)

type FileContext = Context<UserEnv>

/** Files, inside the seal and signed by a device: tus 1.0.0 to write, HTTP ranges to read. */
export function addFileRoutes(app: OpenAPIHono<UserEnv>, files: FileService, clock: () => number): void {
  const creations = createRateLimiter(CREATIONS, clock)
  const locks = createUploadLocks()

  const answer = async (c: FileContext, target: TusTarget, body: Uint8Array<ArrayBuffer> = NO_BODY) =>
    tusAnswer(target, c.req.raw, body, locks)

  /** The request is about one file that was found, and may be touched. */
  const targetOf = (c: FileContext, file: StoredFile): TusTarget => ({
    newId: files.newId,
    create: () => Promise.reject(unknownFile()),
    find: () => files.find(file.applicationId, file.id),
    append: files.append,
    remove: (current) => {
      // What was finished meanwhile is not the uploader's to delete any more.
      if (current.state !== file.state)
        throw new KeyhavenError('UPLOAD_CONFLICT', 'the file was just finished')
      const { username, device } = requireCaller(c)
      return files.remove(current, `device:${username}/${device}`)
    },
  })

  app.use(`${FILES_PATH}/*`, async (c, next) => {
    const refused = REFUSED_HEADERS.find((name) => c.req.raw.headers.get(name) !== null)
    if (refused !== undefined) throw new KeyhavenError('INPUT_INVALID', `${refused} is not taken here`)
    await next()
    if (c.error instanceof StoreFullError) c.res = storeFull()
  })

  app.post(FILES_PATH, async (c) => {
    const { applicationId } = c.var
    const caller = requireCaller(c)
    const conversation = idOf(c.req.header(CONVERSATION_HEADER))
    requireLength(c.req.header('upload-length'))
    if ((await c.req.arrayBuffer()).byteLength > 0) {
      throw new KeyhavenError('INPUT_INVALID', 'the first bytes come with a PATCH')
    }
    if (creations.take(`${applicationId} ${caller.device}`) > 0) {
      throw new KeyhavenError('RATE_LIMITED', 'too many new files')
    }
    return answer(c, {
      newId: files.newId,
      create: async (id, bytes) => {
        await files.create(applicationId, caller, { id, conversation, bytes })
      },
      find: () => Promise.reject(unknownFile()),
      append: () => Promise.reject(unknownFile()),
      remove: () => Promise.reject(unknownFile()),
    })
  })

  app.patch(FILE_PATH, async (c) => {
    const file = await files.openUpload(c.var.applicationId, requireCaller(c), fileId(c))
    return answer(c, targetOf(c, file), new Uint8Array(await c.req.arrayBuffer()))
  })

  app.delete(FILE_PATH, async (c) => {
    const file = await files.openDeletion(c.var.applicationId, requireCaller(c), fileId(c))
    return answer(c, targetOf(c, file))
  })

  app.get(FILE_PATH, async (c) => {
    const caller = requireCaller(c)
    // The router takes HEAD for a GET without content.
    if (c.req.method === 'HEAD') {
      const file = await files.look(c.var.applicationId, caller, fileId(c))
      return answer(c, targetOf(c, file))
    }
    const file = await files.openRead(c.var.applicationId, caller, fileId(c))
    const range = parseByteRange(c.req.header('range') ?? null, file.bytes)
    if (range === 'none') return outside(file)
    const body = await files.read(file, caller, range)
    const length = range === undefined ? file.bytes : range.end - range.start + 1
    return new Response(body, {
      status: range === undefined ? 200 : STATUS_PARTIAL,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(length),
        'accept-ranges': 'bytes',
        'cache-control': 'no-store',
        ...(range && { 'content-range': `bytes ${range.start}-${range.end}/${file.bytes}` }),
      },
    })
  })

  app.get(`${FILE_PATH}/info`, async (c) => {
    const file = await files.look(c.var.applicationId, requireCaller(c), fileId(c))
    return c.json(infoOf(file), 200, { 'cache-control': 'no-store' })
  })
}

/** `GET /v1/files/{id}/info`. */
function infoOf({ id, conversation, membership, by, state, bytes, received, createdAt }: StoredFile) {
  const at = new Date(createdAt).toISOString()
  return { id, conversation, membership, by, bytes, received, complete: state === 'complete', createdAt: at }
}

function fileId(c: FileContext): string {
  const id = c.req.param('id') ?? ''
  if (!ID.test(id)) throw unknownFile()
  return id
}

function idOf(conversation: string | undefined): string {
  if (conversation !== undefined && ID.test(conversation)) return conversation
  throw new KeyhavenError('INPUT_INVALID', `${CONVERSATION_HEADER}: the id of a conversation`)
}

function requireLength(given: string | undefined): void {
  if (given === undefined || !/^[1-9]\d{0,15}$/.test(given)) {
    throw new KeyhavenError('INPUT_INVALID', 'Upload-Length: bytes of the whole file, at least 1')
  }
  if (Number(given) > MAX_FILE_BYTES) {
    throw new KeyhavenError('WIRE_TOO_LARGE', `a file has at most ${MAX_FILE_BYTES} bytes`)
  }
}

function outside({ bytes }: StoredFile): Response {
  return problemResponse('INPUT_INVALID', {
    status: STATUS_RANGE_NOT_SATISFIABLE,
    detail: 'Range: the file is not that long',
    headers: { 'content-range': `bytes */${bytes}` },
  })
}

/** The uploader can do nothing about it, but waits and goes on: what was acknowledged stays. */
function storeFull(): Response {
  return problemResponse('STORE_UNAVAILABLE', {
    status: STATUS_INSUFFICIENT_STORAGE,
    detail: 'The store of the server is full. The upload goes on where it is when there is room again.',
    members: { reason: 'store-full' },
  })
}
