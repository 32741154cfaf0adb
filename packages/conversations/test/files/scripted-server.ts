import { randomBytes } from 'node:crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import type { FilesPort } from '../../src/files/files-port.ts'

type Call = Parameters<FilesPort['call']>

export interface SeenCall {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: number
}

interface Stored {
  readonly length: number
  bytes: Buffer
}

/** What happens to one call instead of the usual, or after it. */
export type Fault = (call: SeenCall, usual: () => Response) => Response | Promise<Response> | undefined

/** A key server that keeps files in memory and can be made to fail. */
export interface ScriptedServer {
  readonly port: FilesPort
  readonly files: Map<string, Stored>
  readonly calls: SeenCall[]
  /** Everything that came in bodies and headers, to look for what must not be there. */
  readonly seen: Buffer[]
  readonly waits: number[]
  fault: Fault | undefined
  /** Bytes after which a download is cut, and how often. */
  cut: { after: number; times: number } | undefined
}

export const SERVER = 'https://keys.example'
export const CONVERSATION = 'AAAAAAAAAAAAAAAAAAAAAA'
const CUT_PIECE_BYTES = 50_000

export function scriptedServer(): ScriptedServer {
  const files = new Map<string, Stored>()
  const self: ScriptedServer = {
    files,
    calls: [],
    seen: [],
    waits: [],
    fault: undefined,
    cut: undefined,
    port: {
      server: SERVER,
      conversation: CONVERSATION,
      wait: async (milliseconds) => {
        self.waits.push(milliseconds)
      },
      async call(...call) {
        const [method, path, body, headers, signal] = call
        signal?.throwIfAborted()
        self.seen.push(Buffer.from(JSON.stringify(headers)), Buffer.from(body ?? []))
        const seen = { method, path, headers, bytes: body?.length ?? 0 }
        self.calls.push(seen)
        const usual = () => answer(self, call)
        return (await self.fault?.(seen, usual)) ?? usual()
      },
    },
  }
  return self
}

function answer(self: ScriptedServer, [method, path, body, headers]: Call): Response {
  if (method === 'POST') {
    const id = randomBytes(16).toString('base64url')
    self.files.set(id, { length: Number(headers['upload-length']), bytes: Buffer.alloc(0) })
    return new Response(null, { status: 201, headers: { location: `/v1/files/${id}` } })
  }
  const id = path.slice('/v1/files/'.length)
  const file = self.files.get(id)
  if (file === undefined) throw new KeyhavenError('NOT_FOUND', 'the server answered NOT_FOUND')
  switch (method) {
    case 'HEAD':
      return new Response(null, { headers: { 'upload-offset': String(file.bytes.length) } })
    case 'DELETE':
      self.files.delete(id)
      return new Response(null, { status: 204 })
    case 'PATCH': {
      const fits = Number(headers['upload-offset']) === file.bytes.length
      if (!fits || headers['tus-resumable'] !== '1.0.0') throw new KeyhavenError('UPLOAD_CONFLICT', 'offset')
      file.bytes = Buffer.concat([file.bytes, body!])
      if (file.bytes.length > file.length) throw new Error('longer than announced')
      return new Response(null, { status: 204, headers: { 'upload-offset': String(file.bytes.length) } })
    }
    default:
      return download(self, file.bytes, headers.range)
  }
}

function download(self: ScriptedServer, bytes: Buffer, range: string | undefined): Response {
  const [, from = '0', to = String(bytes.length - 1)] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
  const [start, end] = [Number(from), Math.min(Number(to) + 1, bytes.length)]
  const headers = {
    'content-length': String(end - start),
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }),
  }
  const status = range ? 206 : 200
  return new Response(bodyOf(self, bytes.subarray(start, end)), { status, headers })
}

function bodyOf(self: ScriptedServer, bytes: Buffer): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0
  return new ReadableStream(
    {
      pull(controller) {
        if (self.cut && self.cut.times > 0 && at >= self.cut.after) {
          self.cut.times--
          controller.error(new TypeError('terminated'))
          return
        }
        if (at >= bytes.length) {
          controller.close()
          return
        }
        controller.enqueue(new Uint8Array(bytes.subarray(at, at + CUT_PIECE_BYTES)))
        at += CUT_PIECE_BYTES
      },
    },
    { highWaterMark: 0 },
  )
}
