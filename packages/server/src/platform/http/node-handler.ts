import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { AppEnv } from './call-origin.ts'
import type { NodeHandler } from './listen.ts'
import { problemResponse } from './problem.ts'

/** Requests of a listener as a router gets them: with where they came from, which is never sealed. */
export function createNodeHandler<Env extends AppEnv>(app: OpenAPIHono<Env>, secure: boolean): NodeHandler {
  const listener = getRequestListener(
    async (request, { incoming, outgoing }) => {
      const origin = {
        sealed: false,
        remoteAddress: incoming.socket?.remoteAddress ?? 'unknown',
        secure,
      } as const
      const answer = await app.fetch(request, { origin } as Env['Bindings'])
      // A refusal before the body was read: what is left of it cannot be told from a next request.
      if (!answer.ok && !(incoming as IncomingMessage).complete) {
        ;(outgoing as ServerResponse).shouldKeepAlive = false
      }
      return answer
    },
    {
      overrideGlobalObjects: false,
      // What reaches it is a request that cannot be made a Request: a bad Host header, a bad URL.
      errorHandler: () =>
        problemResponse('INPUT_INVALID', { detail: 'The Host header or the address is malformed.' }),
    },
  )
  return (request: IncomingMessage, response: ServerResponse) => {
    void listener(request, response)
  }
}
