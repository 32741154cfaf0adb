import type { Channel } from './channel-options.ts'
import { redirected } from './redirect.ts'
import { bufferBody } from './request-body.ts'
import { type CallContext, runCall } from './run-call.ts'
import { SIGNED_BODY_MAX_BYTES } from './sign-request.ts'
import { takeRequest } from './take-request.ts'
import { toResponse } from './to-response.ts'

/** As the Fetch standard. */
const MAX_REDIRECTS = 20
const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** The channel's `fetch`: the platform's signature, sealed. */
export function createChannelFetch(context: CallContext, base: URL): Channel['fetch'] {
  return async (input, init) => {
    let request = await takeRequest(input, init, base)
    for (let redirects = 0; ; redirects++) {
      const answer = await runCall(context, request)
      const { status, headers } = answer.head
      const location = headers.find(([name]) => name === 'location')?.[1]
      if (!REDIRECT_STATUSES.has(status) || request.redirect === 'manual') {
        return toResponse(answer, request, redirects > 0)
      }
      if (request.redirect === 'follow' && location === undefined)
        return toResponse(answer, request, redirects > 0)
      await answer.cancel()
      if (request.redirect === 'error') throw new TypeError('the server redirects, and redirect is "error"')
      if (redirects === MAX_REDIRECTS) throw new TypeError(`more than ${MAX_REDIRECTS} redirects`)
      request = redirected(request, status, location!)
    }
  }
}

/** The channel's `signedFetch`: every attempt is signed anew, inside its own seal. */
export function createSignedFetch(context: CallContext, base: URL): Channel['signedFetch'] {
  return async (input, init, sign) => {
    if (typeof sign !== 'function') throw new TypeError('sign must be a function')
    const taken = await takeRequest(input, init, base)
    const body = taken.body && (await bufferBody(taken.body, SIGNED_BODY_MAX_BYTES))
    const request = { ...taken, body, sign }
    const answer = await runCall(context, request)
    if (!REDIRECT_STATUSES.has(answer.head.status) || request.redirect === 'manual') {
      return toResponse(answer, request, false)
    }
    await answer.cancel()
    throw new TypeError('the server redirects a signed request')
  }
}
