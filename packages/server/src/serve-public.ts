import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Gateway, SealedContext } from '@keyhaven/channel/gateway'
import { createNodeHandler as createGatewayHandler } from '@keyhaven/channel/gateway/node'
import { KeyhavenError } from '@keyhaven/crypto'
import { ADMIN_APPLICATION_ID } from './applications/application.ts'
import { createPublicApp } from './channel/public-app.ts'
import { createV1App, isV1Path } from './channel/v1-app.ts'
import { createUserApp } from './directory/user-app.ts'
import type { Config } from './platform/config/config.ts'
import type { AppEnv } from './platform/http/call-origin.ts'
import { sealedOrigin } from './platform/http/call-origin.ts'
import { PUBLIC_CORS_HEADERS } from './platform/http/cors.ts'
import type { Listener, NodeHandler } from './platform/http/listen.ts'
import { listen } from './platform/http/listen.ts'
import { createNodeHandler } from './platform/http/node-handler.ts'
import type { ServedGateway, ServerParts } from './server-parts.ts'
import { createServedGateway } from './server-parts.ts'

const GATEWAY_PREFIX = '/gateway/'
const DISCOVERY_PATH = '/.well-known/ohttp-gateway'

export interface PublicService {
  readonly gateway: Gateway
  readonly handler: NodeHandler
  /** Called with the address that is listened on. */
  readonly listening: (url: string) => void
}

export interface PublicServiceOptions {
  /** Instead of `/v1`: what sealed calls reach. */
  readonly served?:
    | (Pick<ServedGateway, 'handler' | 'allowPath' | 'serves'> & {
        readonly listening: (url: string) => void
      })
    | undefined
  /** What answers under `/v1/identity`. */
  readonly identity?: OpenAPIHono<AppEnv> | undefined
  readonly defaultApplicationId: string | undefined
}

/** Applications that apps call; the server's own is behind the admin address only. */
export function isTenant(applicationId: string): boolean {
  return applicationId !== ADMIN_APPLICATION_ID
}

/** The gateway and all else of the public address, without its socket. */
export function createPublicService(parts: ServerParts, options: PublicServiceOptions): PublicService {
  const { config, logger, manifests, state } = parts
  const v1 = createV1App(logger, config.requireChannel, createUserApp(parts), options.identity)
  const served = options.served ?? {
    serves: isTenant,
    allowPath: isV1Path,
    handler: (request: Request, context: SealedContext) =>
      v1.fetch(request, { origin: sealedOrigin(context) }),
  }
  const gateway = createServedGateway(parts, { ...served, countUsage: true })
  parts.metrics.gauge(
    'keyhaven_usage_installations_left_out_total',
    'Installations not counted apart, because too many new ones came within an hour.',
    () => parts.usage.installationsLeftOut,
  )
  const { defaultApplicationId } = options
  const app = createPublicApp({
    gateway,
    manifests,
    serves: served.serves,
    health: { changes: state.changes, replay: parts.replay },
    logger,
    v1: options.served ? undefined : v1,
    log: parts.directories.log,
    defaultApplicationId,
  })
  return {
    gateway,
    listening: options.served?.listening ?? (() => {}),
    handler: routeEnvelopes(gateway, createNodeHandler(app, config.tls !== undefined), defaultApplicationId),
  }
}

/** Sealed calls go straight to the gateway; everything else to `rest`. */
export function routeEnvelopes(
  gateway: Gateway,
  rest: NodeHandler,
  defaultApplicationId: string | undefined,
): NodeHandler {
  const exchange = createGatewayHandler(gateway, {
    applicationId: (request: IncomingMessage) => envelopeTarget(request.url, defaultApplicationId),
  })
  return (request, response) => {
    if (request.method !== 'POST' || envelopeTarget(request.url, defaultApplicationId) === undefined) {
      rest(request, response)
      return
    }
    for (const name in PUBLIC_CORS_HEADERS) response.setHeader(name, PUBLIC_CORS_HEADERS[name]!)
    exchange(request, response)
  }
}

/**
 * The application that an envelope's address names; the gateway itself decides whether there is such a one.
 */
function envelopeTarget(
  url: string | undefined,
  defaultApplicationId: string | undefined,
): string | undefined {
  if (url === undefined) return undefined
  if (url.startsWith(GATEWAY_PREFIX)) {
    const name = url.slice(GATEWAY_PREFIX.length)
    return name !== '' && /^[a-z0-9-]+$/.test(name) ? name : undefined
  }
  return url === DISCOVERY_PATH ? defaultApplicationId : undefined
}

export async function listenPublic(parts: ServerParts, service: PublicService): Promise<Listener> {
  const { config } = parts
  const { handler, listening } = service
  const listener = await listen({ host: config.host, port: config.port, tls: readTls(config), handler })
  listening(listener.url)
  return {
    ...listener,
    close(graceMs) {
      // What waits for mail would wait for all of the grace.
      parts.mailbox.events.close()
      return listener.close(graceMs)
    },
  }
}

/** @throws KeyhavenError `CONFIG_INVALID`. */
export function readTls(config: Config): { cert: Uint8Array; key: Uint8Array } | undefined {
  if (!config.tls) return undefined
  const read = (file: string) => {
    try {
      return readFileSync(file)
    } catch (cause) {
      throw new KeyhavenError('CONFIG_INVALID', `cannot read ${file}`, { cause })
    }
  }
  return { cert: read(config.tls.certFile), key: read(config.tls.keyFile) }
}
