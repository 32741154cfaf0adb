import { backend as runtimeBackend } from '@keyhaven/crypto'
import { encodeKeyConfigList } from '../wire/key-config.ts'
import { OHTTP_KEYS_TYPE } from '../wire/media-types.ts'
import { checkEnvelope } from './check-envelope.ts'
import { type ExchangeSettings, runExchange } from './exchange.ts'
import {
  CLOCK_SKEW_SECONDS,
  GATEWAY_LIMITS,
  KEY_CONFIGS_MAX_AGE_SECONDS,
  REPLAY_WINDOW_SECONDS,
} from './limits.ts'
import type { Gateway, GatewayOptions, OuterResponse } from './ports.ts'
import { unsealedProblem } from './problem.ts'

const DEFAULT_APPLICATION_ID = 'default'
const STATUS_OK = 200
const NOTHING = new Uint8Array(0)

function settingsOf(options: GatewayOptions): ExchangeSettings {
  return {
    backend: options.backend ?? runtimeBackend,
    keys: options.keys,
    handler: options.handler,
    replay: options.replay,
    clock: options.clock ?? Date.now,
    sleep: options.sleep ?? ((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))),
    allowPath: options.allowPath ?? (() => true),
    limits: { ...GATEWAY_LIMITS, ...options.limits },
    windowSeconds: options.windowSeconds ?? REPLAY_WINDOW_SECONDS,
    skewSeconds: options.skewSeconds ?? CLOCK_SKEW_SECONDS,
    onExchange: options.onExchange,
  }
}

/**
 * The server's end of the channel: opens sealed requests, hands each to `handler` at most once, seals its
 * answer.
 *
 * It is a function from `Request` to `Response`, for Hono, Workers and Deno; adapters for node:http, Express
 * and Fastify are in `@keyhaven/channel/gateway/node`.
 */
export function createGateway(options: GatewayOptions): Gateway {
  const settings = settingsOf(options)
  const defaultApplicationId = options.applicationId ?? DEFAULT_APPLICATION_ID

  async function keyConfigs(applicationId: string): Promise<OuterResponse> {
    try {
      const configs = await settings.keys.keyConfigs(applicationId)
      if (configs === undefined) return unsealedProblem('NOT_FOUND')
      const body = encodeKeyConfigList(configs)
      const headers = {
        'content-type': OHTTP_KEYS_TYPE,
        'content-length': String(body.length),
        'cache-control': `public, max-age=${KEY_CONFIGS_MAX_AGE_SECONDS}`,
      }
      return { status: STATUS_OK, headers, body }
    } catch {
      return unsealedProblem('STORE_UNAVAILABLE')
    }
  }

  async function answer(request: Request, applicationId: string): Promise<OuterResponse> {
    if (request.method === 'GET' || request.method === 'HEAD') return keyConfigs(applicationId)
    if (request.method !== 'POST') return unsealedProblem('INPUT_INVALID')
    const length = request.headers.get('content-length')
    return runExchange(settings, {
      applicationId,
      contentType: request.headers.get('content-type'),
      body: request.body ?? NOTHING,
      contentLength: length === null ? undefined : Number(length),
      signal: () => request.signal,
    })
  }

  async function gateway(request: Request, applicationId: string = defaultApplicationId): Promise<Response> {
    const { status, headers, body } = await answer(request, applicationId)
    return new Response(request.method === 'HEAD' ? null : asBody(body), { status, headers })
  }

  return Object.assign(gateway, {
    exchange: (request: Parameters<Gateway['exchange']>[0]) => runExchange(settings, request),
    keyConfigs,
    check: (envelope: Uint8Array, contentType: string, applicationId: string) =>
      checkEnvelope(settings, envelope, contentType, applicationId),
    applicationId: defaultApplicationId,
  })
}

function asBody(body: OuterResponse['body']): BodyInit {
  if (body instanceof Uint8Array) return body as Uint8Array<ArrayBuffer>
  const iterator = body[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const result = await iterator.next()
        if (result.done) controller.close()
        else controller.enqueue(result.value)
      } catch (error) {
        controller.error(error)
      }
    },
    async cancel() {
      await iterator.return?.()
    },
  })
}
