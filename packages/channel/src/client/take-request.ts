import type { BhttpField } from '../wire/binary-http.ts'
import { CHUNK_CONTENT_BYTES } from '../wire/chunk-framing.ts'
import { OWN_FIELD_PREFIX } from '../wire/client-header.ts'
import { bytesBody, type RequestBody, readAhead, takeBody } from './request-body.ts'
import type { SignRequest } from './sign-request.ts'

/** What the app asked for, checked by the platform's own rules, before the channel adds anything. */
export interface OutgoingRequest {
  readonly method: string
  readonly url: URL
  readonly headers: readonly BhttpField[]
  readonly body: RequestBody | undefined
  readonly redirect: RequestRedirect
  readonly signal: AbortSignal | undefined
  /** Makes the fields that sign the request, anew for each attempt. The body is in memory then. */
  readonly sign?: SignRequest
}

const WITHOUT_BODY: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/**
 * Not the app's to set: about one connection, set by the channel itself, or (`accept-encoding`) a promise to
 * decode that only the platform's own `fetch` could keep.
 */
const DROPPED_HEADERS: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'date',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Reads the arguments of `fetch`.
 *
 * @param base - where relative URLs start.
 * @throws TypeError as `fetch` does: a bad URL, method, header or body; a body with GET or HEAD; a used body.
 */
export async function takeRequest(
  input: string | URL | Request,
  init: RequestInit = {},
  base: URL,
): Promise<OutgoingRequest> {
  const given = input instanceof Request ? input : undefined
  const url = new URL(given?.url ?? String(input), base)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError('only http and https URLs')
  if (init.integrity) throw new TypeError('integrity is not supported: the seal already protects the answer')
  // The platform checks and normalises; what it would do with the network (mode, credentials, cache) has no
  // meaning here.
  const checked = new Request(url, {
    method: init.method ?? given?.method ?? 'GET',
    headers: init.headers ?? given?.headers ?? {},
    redirect: init.redirect ?? given?.redirect ?? 'follow',
  })
  const signal = init.signal === undefined ? given?.signal : (init.signal ?? undefined)
  signal?.throwIfAborted()
  const { method } = checked
  if (WITHOUT_BODY.has(method) && init.body != null)
    throw new TypeError('a request with GET or HEAD has no body')
  const body = init.body == null ? await bodyOf(given) : await takeInitBody(init)
  return { method, url, headers: headersOf(checked.headers, body), body, redirect: checked.redirect, signal }
}

function takeInitBody(init: RequestInit): Promise<RequestBody> {
  return takeBody(init.body, (init as { duplex?: unknown }).duplex)
}

/**
 * A Request does not tell what its body was made from, so up to one chunk is read ahead: a small one can then
 * be padded and sent twice.
 */
async function bodyOf(request: Request | undefined): Promise<RequestBody | undefined> {
  if (request === undefined || WITHOUT_BODY.has(request.method)) return undefined
  if (request.bodyUsed) throw new TypeError('the body of the request is used already')
  // Some browsers have no stream here; an empty body and none are then the same.
  if (request.body === undefined) {
    const bytes = new Uint8Array(await request.arrayBuffer())
    return bytes.length === 0 ? undefined : bytesBody(bytes, undefined)
  }
  if (request.body === null) return undefined
  return readAhead(await takeBody(request.body, 'half'), CHUNK_CONTENT_BYTES)
}

function headersOf(headers: Headers, body: RequestBody | undefined): readonly BhttpField[] {
  const fields: BhttpField[] = []
  for (const [name, value] of headers) {
    if (name.startsWith(OWN_FIELD_PREFIX))
      throw new TypeError(`headers ${OWN_FIELD_PREFIX}* belong to the channel`)
    if (!DROPPED_HEADERS.has(name)) fields.push([name, value])
  }
  if (!headers.has('accept')) fields.push(['accept', '*/*'])
  if (body?.contentType !== undefined && !headers.has('content-type')) {
    fields.push(['content-type', body.contentType])
  }
  if (body?.length !== undefined) fields.push(['content-length', String(body.length)])
  return fields
}
