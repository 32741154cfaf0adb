import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { backend } from '@keyhaven/crypto'
import {
  addCheckpoint,
  MAX_ADD_CHECKPOINT_CHARACTERS,
  parseAddCheckpoint,
  parseCheckpoint,
  parseNote,
  type Witness,
} from '@keyhaven/directory/log'

/** All of it is ASCII but for the dash of each signature line. */
const MAX_BODY_BYTES = 2 * MAX_ADD_CHECKPOINT_CHARACTERS
const REQUEST_TIMEOUT_MS = 15_000
const MAX_CONNECTIONS = 256
const TEXT = 'text/plain; charset=utf-8'
const CHECKPOINT_PATH = /^\/([0-9a-f]{64})\/checkpoint$/

/** What an operator of a witness should see. */
export interface WitnessEvent {
  /** `refused`: the log signed it, but it does not continue what was cosigned, or its proof is wrong. */
  readonly event: 'cosigned' | 'refused' | 'failed'
  readonly origin?: string
  readonly size?: number
  /** The refused checkpoint, signed by the log: evidence. */
  readonly checkpoint?: string
  readonly reason?: string
}

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/**
 * The witness over HTTP (C2SP tlog-witness): `POST /add-checkpoint`. Beside it, for people and monitors,
 * `GET /` with its verifier key and its logs, and `GET /<SHA-256 of the origin, hex>/checkpoint` with the
 * last one it cosigned.
 */
export function createWitnessServer(
  witness: Witness,
  verifierKey: string,
  onEvent: (event: WitnessEvent) => void,
): Server {
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const { pathname } = new URL(request.url ?? '/', 'http://witness')
    if (pathname === '/add-checkpoint') {
      if (request.method !== 'POST') return text(405, 'POST it')
      const body = await readBody(request)
      if (body === undefined) return text(413, 'the body is too long')
      return submit(witness, body, onEvent)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'GET it')
    if (pathname === '/') return text(200, [verifierKey, ...witness.logs.keys()].join('\n'))
    return monitor(witness, CHECKPOINT_PATH.exec(pathname)?.[1])
  }
  const server = createServer((request, response) => {
    answer(request)
      .catch((error: Error) => {
        onEvent({ event: 'failed', reason: error.message })
        return text(500, 'the witness failed')
      })
      .then((found) => send(request, response, found))
      .catch(() => response.destroy())
  })
  server.requestTimeout = REQUEST_TIMEOUT_MS
  server.headersTimeout = REQUEST_TIMEOUT_MS
  server.maxConnections = MAX_CONNECTIONS
  return server
}

async function submit(
  witness: Witness,
  body: string,
  onEvent: (event: WitnessEvent) => void,
): Promise<Answer> {
  const found = await addCheckpoint(backend, witness, body)
  if (found.status === 200) onEvent({ event: 'cosigned', ...namedIn(body) })
  else if (isInconsistent(found, body)) {
    const { note } = parseAddCheckpoint(body)
    onEvent({ event: 'refused', ...namedIn(body), checkpoint: note, reason: found.body.trim() })
  }
  return found
}

/**
 * Whether a log that is known signed what does not continue what was cosigned. Every other refusal is one
 * that anybody could bring about, and a log that begins with a wrong old size asks which one is right.
 */
function isInconsistent({ status, body: known }: Answer, body: string): boolean {
  if (status === 422) return true
  if (status !== 409) return false
  const { oldSize } = parseAddCheckpoint(body)
  return oldSize === namedIn(body).size && known === `${oldSize}\n`
}

function namedIn(body: string): { readonly origin: string; readonly size: number } {
  const { origin, size } = parseCheckpoint(parseNote(parseAddCheckpoint(body).note).text)
  return { origin, size }
}

async function monitor(witness: Witness, hash: string | undefined): Promise<Answer> {
  for (const origin of hash === undefined ? [] : witness.logs.keys()) {
    if (createHash('sha256').update(origin).digest('hex') !== hash) continue
    const known = await witness.state.read(origin)
    if (known !== undefined) return { status: 200, contentType: TEXT, body: known.note }
  }
  return text(404, 'nothing here')
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  // The answer needs the connection, also if the body is not read to its end.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).byteLength
    if (length > MAX_BODY_BYTES) return undefined
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function send(request: IncomingMessage, response: ServerResponse, found: Answer): void {
  const headers: Record<string, string> = {
    'content-type': found.contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  }
  // What is left of a body that was too long is not read.
  if (!request.complete) headers.connection = 'close'
  response.writeHead(found.status, headers)
  response.end(request.method === 'HEAD' ? undefined : found.body)
}

function text(status: number, body: string): Answer {
  return { status, contentType: TEXT, body: `${body}\n` }
}
