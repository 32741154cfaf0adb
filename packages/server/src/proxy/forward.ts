import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Readable } from 'node:stream'
import type { SealedContext } from '@keyhaven/channel/gateway'
import { isBodyHeld } from '@keyhaven/channel/gateway'
import { problemResponse } from '../platform/http/problem.ts'
import { appHeaders, upstreamHeaders } from './forwarded-headers.ts'

const MAX_IDLE_SOCKETS = 64
/** Below the 5 s after which a Node backend closes an idle connection: so we close first. */
const IDLE_SOCKET_MS = 4_000
/** A backend has this long to begin its answer, and then between two pieces of it. */
export const UPSTREAM_TIMEOUT_MS = 30_000
const BODILESS_STATUSES: readonly number[] = [204, 205, 304]
const STATUS_GATEWAY_TIMEOUT = 504
/** Without content, and without effect (RFC 9110 §9.2.1). */
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD']

/** Sends a request to a backend and answers with what comes back; streams both ways. */
export type Forwarder = (
  request: Request,
  upstream: URL,
  context: Pick<SealedContext, 'applicationId' | 'client'>,
) => Promise<Response>

/** Keeps connections to backends open between calls. */
export function createForwarder(timeoutMs = UPSTREAM_TIMEOUT_MS): Forwarder {
  const agents = new Map<string, Promise<{ agent: HttpAgent; send: typeof httpRequest }>>()

  async function transport(protocol: string) {
    const options = { keepAlive: true, maxFreeSockets: MAX_IDLE_SOCKETS, timeout: IDLE_SOCKET_MS }
    if (protocol === 'http:') return { agent: new HttpAgent(options), send: httpRequest }
    const https = await import('node:https')
    return { agent: new https.Agent(options), send: https.request as typeof httpRequest }
  }

  return async (request, upstream, context) => {
    let transporting = agents.get(upstream.protocol)
    if (!transporting) {
      transporting = transport(upstream.protocol)
      agents.set(upstream.protocol, transporting)
    }
    const { agent, send } = await transporting
    const { pathname, search } = new URL(request.url)
    const options: RequestOptions = {
      agent,
      protocol: upstream.protocol,
      hostname: upstream.hostname.replace(/^\[|\]$/g, ''),
      port: upstream.port,
      method: request.method,
      path: pathname + search,
      headers: upstreamHeaders(request.headers, upstream, context),
      timeout: timeoutMs,
    }
    try {
      return appResponse(await call(send, options, request), request.method, timeoutMs)
    } catch (error) {
      return failure(error)
    }
  }
}

class UpstreamTimeout extends Error {}
class BodyCut extends Error {}

/**
 * A connection kept open may have been closed by the backend meanwhile: a call that only reads is then sent
 * anew. Any other could have run before the backend broke off, and would run twice.
 */
async function call(
  send: typeof httpRequest,
  options: RequestOptions,
  request: Request,
): Promise<IncomingMessage> {
  try {
    return await callOnce(send, options, request)
  } catch (error) {
    const { code, reused } = error as { code?: string; reused?: boolean }
    if (reused && code === 'ECONNRESET' && SAFE_METHODS.includes(request.method) && !request.signal.aborted) {
      return callOnce(send, options, request)
    }
    throw error
  }
}

function callOnce(
  send: typeof httpRequest,
  options: RequestOptions,
  request: Request,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = send(options)
    // Node checks that as many bytes follow as content-length says, before it writes the one too many.
    Object.assign(outgoing, { strictContentLength: true })
    const abort = () => outgoing.destroy(new Error('the app has gone'))
    request.signal.addEventListener('abort', abort, { once: true })
    outgoing.once('timeout', () => outgoing.destroy(new UpstreamTimeout()))
    outgoing.once('error', (error) => {
      request.signal.removeEventListener('abort', abort)
      reject(Object.assign(error, { reused: outgoing.reusedSocket }))
    })
    outgoing.once('response', (incoming) => {
      incoming.once('close', () => request.signal.removeEventListener('abort', abort))
      resolve(incoming)
    })
    sendBody(outgoing, request).catch((error: unknown) => {
      outgoing.destroy(error instanceof Error ? error : new Error('the body failed'))
    })
  })
}

async function sendBody(outgoing: ClientRequest, request: Request): Promise<void> {
  if (isBodyHeld(request)) {
    const whole = await request.bytes()
    // Of a DELETE or OPTIONS, Node frames the content only if told: the backend would take it for the next
    // request.
    if (whole.length > 0) outgoing.setHeader('content-length', whole.length)
    outgoing.end(whole.length === 0 ? undefined : whole)
    return
  }
  const { body } = request
  if (body === null) {
    outgoing.end()
    return
  }
  if (!outgoing.hasHeader('content-length')) outgoing.setHeader('transfer-encoding', 'chunked')
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw new BodyCut('the request was cut', { cause })
      })
      if (done) break
      if (!outgoing.write(value)) await drained(outgoing)
      if (outgoing.destroyed) return
    }
    outgoing.end()
  } finally {
    reader.releaseLock()
  }
}

function drained(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      outgoing.off('drain', go)
      outgoing.off('close', go)
      resolve()
    }
    outgoing.once('drain', go)
    outgoing.once('close', go)
  })
}

function appResponse(incoming: IncomingMessage, method: string, timeoutMs: number): Response {
  const status = incoming.statusCode ?? 0
  const headers = appHeaders(incoming.rawHeaders)
  if (method === 'HEAD' || BODILESS_STATUSES.includes(status)) {
    incoming.resume()
    return new Response(null, { status, headers })
  }
  incoming.setTimeout(timeoutMs, () => incoming.destroy(new UpstreamTimeout()))
  return new Response(Readable.toWeb(incoming) as ReadableStream<Uint8Array>, { status, headers })
}

/** Inside the seal, so only the app learns of it. Neither address nor reason: those are the operator's. */
function failure(error: unknown): Response {
  if (error instanceof BodyCut) return problemResponse('WIRE_MALFORMED', { detail: 'The body was cut.' })
  if (error instanceof UpstreamTimeout) {
    return problemResponse('UPSTREAM_FAILED', {
      status: STATUS_GATEWAY_TIMEOUT,
      detail: 'The backend did not answer in time. The call may have run.',
    })
  }
  return problemResponse('UPSTREAM_FAILED', {
    detail: 'The gateway could not reach the backend, or the backend broke off. Try again later.',
  })
}
