import type { IncomingMessage, ServerResponse } from 'node:http'
import { OHTTP_CHUNKED_REQUEST_TYPE, OHTTP_REQUEST_TYPE } from '../../wire/media-types.ts'
import type { Gateway } from '../ports.ts'
import { createNodeHandler, type NodeHandlerOptions } from './create-node-handler.ts'

interface FastifyRequestLike {
  readonly raw: IncomingMessage
}

interface FastifyReplyLike {
  readonly raw: ServerResponse
  hijack(): unknown
}

/** The part of a Fastify instance (5) that is needed, so that this package does not depend on Fastify. */
export interface FastifyLike {
  addContentTypeParser(
    type: string[],
    parser: (request: unknown, payload: unknown, done: (error: Error | null) => void) => void,
  ): unknown
  all(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => void): unknown
}

/**
 * Serves a gateway at one path of a Fastify server. Fastify reads nothing of the envelope: it goes to the
 * gateway as it comes.
 */
export function registerFastifyGateway(
  fastify: FastifyLike,
  path: string,
  gateway: Gateway,
  options: NodeHandlerOptions = {},
): void {
  const handler = createNodeHandler(gateway, options)
  fastify.addContentTypeParser(
    [OHTTP_CHUNKED_REQUEST_TYPE, OHTTP_REQUEST_TYPE],
    (_request, _payload, done) => {
      done(null)
    },
  )
  fastify.all(path, (request, reply) => {
    reply.hijack()
    handler(request.raw, reply.raw)
  })
}
