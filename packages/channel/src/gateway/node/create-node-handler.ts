import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Gateway, OuterResponse } from '../ports.ts'
import { unsealedProblem } from '../problem.ts'

/** A body up to this size, of declared length, is read as a whole before it is opened. */
const COLLECT_MAX_BYTES = 262_144
const NOTHING = new Uint8Array(0)

export interface NodeHandlerOptions {
  /** For which application a request is. Default: the gateway's. undefined: the gateway's. */
  readonly applicationId?: string | ((request: IncomingMessage) => string | undefined)
}

/** A listener for `http.createServer`, and a handler for Express (`app.all(path, handler)`). */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Serves a gateway on node:http without building a `Request` for the outer call: the envelope is read
 * straight from the socket's stream, and the answer is written in one piece.
 *
 * The gateway answers at any path; the caller routes.
 */
export function createNodeHandler(gateway: Gateway, options: NodeHandlerOptions = {}): NodeHandler {
  const { applicationId } = options
  const applicationOf =
    typeof applicationId === 'function'
      ? (request: IncomingMessage) => applicationId(request) ?? gateway.applicationId
      : () => applicationId ?? gateway.applicationId

  return (request, response) => {
    answer(gateway, applicationOf(request), request, response).then(
      (outer) => write(response, outer, request.method === 'HEAD'),
      () => response.destroy(),
    )
  }
}

function answer(
  gateway: Gateway,
  applicationId: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<OuterResponse> {
  const { method } = request
  if (method === 'GET' || method === 'HEAD') return gateway.keyConfigs(applicationId)
  const length = request.headers['content-length']
  const contentLength = length === undefined ? undefined : Number(length)
  if (method !== 'POST') return Promise.resolve(unsealedProblem('INPUT_INVALID'))
  const outer = { applicationId, contentType: request.headers['content-type'], contentLength, signal }
  // Express may have read the body already (express.raw).
  const parsed: unknown = (request as { body?: unknown }).body
  if (parsed instanceof Uint8Array) return gateway.exchange({ ...outer, body: parsed })
  if (contentLength === undefined || contentLength > COLLECT_MAX_BYTES) {
    return gateway.exchange({ ...outer, body: stream(request) })
  }
  return collect(request, contentLength).then((body) => gateway.exchange({ ...outer, body }))

  function signal(): AbortSignal {
    const controller = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) controller.abort()
    })
    return controller.signal
  }
}

/** The pieces as they come; stopping early leaves the socket alone, since the answer goes out on it. */
function stream(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) }
}

/**
 * A body that ends before its declared length is worth nothing: it is given on as empty, which cannot be
 * opened.
 */
function collect(request: IncomingMessage, length: number): Promise<Uint8Array> {
  return new Promise((resolve) => {
    let first: Buffer | undefined
    let rest: Buffer[] | undefined
    const fail = () => resolve(NOTHING)
    request.on('data', (piece: Buffer) => {
      if (first === undefined) first = piece
      else if (rest === undefined) rest = [first, piece]
      else rest.push(piece)
    })
    request.once('end', () => {
      const whole = rest === undefined ? (first ?? NOTHING) : Buffer.concat(rest)
      resolve(whole.length === length ? whole : NOTHING)
    })
    request.once('error', fail)
    request.once('close', fail)
  })
}

async function write(response: ServerResponse, outer: OuterResponse, headOnly: boolean): Promise<void> {
  const { status, headers, body } = outer
  response.writeHead(status, headers as Record<string, string>)
  if (headOnly) {
    response.end()
    return
  }
  if (body instanceof Uint8Array) {
    response.end(body)
    return
  }
  try {
    for await (const piece of body) {
      if (response.destroyed) return
      if (!response.write(piece)) await drained(response)
    }
    response.end()
  } catch {
    // Without its final chunk the client takes the answer as cut.
    response.destroy()
  }
}

/** Until more can be written, or never again. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      response.off('drain', settle)
      response.off('close', settle)
      resolve()
    }
    response.on('drain', settle)
    response.on('close', settle)
  })
}
