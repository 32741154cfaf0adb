import type { Channel } from './channel-options.ts'
import { redirected } from './redirect.ts'
import { type CallContext, runCall } from './run-call.ts'
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
