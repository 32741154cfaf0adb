import type { OutgoingRequest } from './take-request.ts'

/** Describe a body that a redirect drops (Fetch standard, "request-body-header name"). */
const BODY_HEADERS: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-type',
])

/**
 * The request that follows a redirect (Fetch standard, "HTTP-redirect fetch"), through the channel again.
 *
 * @throws TypeError if the target is on another origin: the server of this channel has no say over that one,
 *   and a request would leave with this one's headers; or if the body is a stream that is consumed.
 */
export function redirected(request: OutgoingRequest, status: number, location: string): OutgoingRequest {
  const url = new URL(location, request.url)
  if (url.origin !== request.url.origin) throw new TypeError('the server redirects to another origin')
  if (url.username !== '' || url.password !== '')
    throw new TypeError('the server redirects to a URL with credentials')
  if (url.hash === '') url.hash = request.url.hash
  const { method } = request
  const becomesGet =
    ((status === 301 || status === 302) && method === 'POST') ||
    (status === 303 && method !== 'GET' && method !== 'HEAD')
  if (becomesGet) {
    const headers = request.headers.filter(([name]) => !BODY_HEADERS.has(name))
    return { ...request, url, method: 'GET', headers, body: undefined }
  }
  if (request.body !== undefined && !request.body.replayable) {
    throw new TypeError('the server redirects, and the body is a stream that is consumed')
  }
  return { ...request, url }
}
