import { OWN_FIELD_PREFIX } from '../wire/client-header.ts'
import type { OpenedAnswer } from './open-answer.ts'
import type { OutgoingRequest } from './take-request.ts'

/** Statuses whose response has no body (Fetch standard, "null body status"). */
const NULL_BODY_STATUSES: ReadonlySet<number> = new Set([204, 205, 304])

/** A Response as `fetch` gives it, `url` and `redirected` included. */
export async function toResponse(
  answer: OpenedAnswer,
  request: OutgoingRequest,
  redirected: boolean,
): Promise<Response> {
  const { status } = answer.head
  const headers = answer.head.headers.filter(([name]) => !name.startsWith(OWN_FIELD_PREFIX))
  const init: ResponseInit = { status, headers: headers as [string, string][] }
  if (request.method === 'HEAD' || NULL_BODY_STATUSES.has(status)) {
    await answer.drain()
    return located(new Response(null, init), request.url, redirected)
  }
  const body = answer.whole === undefined ? answer.stream() : (answer.whole as Uint8Array<ArrayBuffer>)
  return located(new Response(body as BodyInit, init), request.url, redirected)
}

/** A Response that was constructed has no URL, and there is no other way to give it one. */
function located(response: Response, url: URL, redirected: boolean): Response {
  const withoutFragment = new URL(url)
  withoutFragment.hash = ''
  const clone = response.clone.bind(response)
  return Object.defineProperties(response, {
    url: { value: withoutFragment.href },
    redirected: { value: redirected },
    clone: { value: () => located(clone(), url, redirected) },
  })
}
