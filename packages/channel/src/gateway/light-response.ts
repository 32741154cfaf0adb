import { utf8 } from '@keyhaven/crypto'

/** What a `LightResponse` was made from. */
export interface ResponseParts {
  readonly status: number
  readonly headers: HeadersInit | undefined
  readonly body: string | Uint8Array | null
}

const parts = Symbol('parts')
const PlatformResponse = globalThis.Response
const STATUS_OK = 200

/** Only what a plain answer has: everything else goes through the platform's constructor, and its checks. */
function isPlain(
  body: unknown,
  init: ResponseInit | undefined,
): body is string | Uint8Array | null | undefined {
  if (init !== undefined && (typeof init !== 'object' || init instanceof PlatformResponse)) return false
  const status = init?.status ?? STATUS_OK
  if (status < 200 || status > 599 || !Number.isInteger(status)) return false
  return body === null || body === undefined || typeof body === 'string' || body instanceof Uint8Array
}

/**
 * A `Response` that remembers what it was made from, so that the gateway reads status, fields and body
 * without a stream. A real one is made when anything else is asked of it.
 *
 * Put it in the place of the global `Response` with {@link useLightResponse}, or make one where it matters.
 */
export class LightResponse {
  declare [parts]: ResponseParts | undefined
  readonly #body: BodyInit | null | undefined
  readonly #init: ResponseInit | undefined
  #real: Response | undefined

  constructor(body?: BodyInit | null, init?: ResponseInit) {
    this.#body = body
    this.#init = init
    if (isPlain(body, init)) {
      this[parts] = { status: init?.status ?? STATUS_OK, headers: init?.headers, body: body ?? null }
    } else {
      this[parts] = undefined
      this.#real = new PlatformResponse(body, init)
    }
  }

  static json(data: unknown, init?: ResponseInit): Response {
    return PlatformResponse.json(data, init)
  }

  static error(): Response {
    return PlatformResponse.error()
  }

  static redirect(url: string | URL, status?: number): Response {
    return PlatformResponse.redirect(url, status)
  }

  /** The real one. From now on it alone is right: its fields and body can change. */
  get platform(): Response {
    if (this.#real === undefined) {
      this.#real = new PlatformResponse(this.#body, this.#init)
      this[parts] = undefined
    }
    return this.#real
  }

  get status(): number {
    return this[parts]?.status ?? this.platform.status
  }

  get ok(): boolean {
    const { status } = this
    return status >= 200 && status <= 299
  }
}

for (const name of ['body', 'bodyUsed', 'headers', 'redirected', 'statusText', 'type', 'url'] as const) {
  Object.defineProperty(LightResponse.prototype, name, {
    get(this: LightResponse) {
      return this.platform[name]
    },
  })
}
for (const name of ['arrayBuffer', 'blob', 'bytes', 'clone', 'formData', 'json', 'text'] as const) {
  Object.defineProperty(LightResponse.prototype, name, {
    value(this: LightResponse) {
      return this.platform[name]()
    },
  })
}
Object.setPrototypeOf(LightResponse, PlatformResponse)
Object.setPrototypeOf(LightResponse.prototype, PlatformResponse.prototype)

/**
 * Makes `new Response(…)` give light ones in this process from now on. `instanceof Response` holds for both
 * kinds.
 */
export function useLightResponse(): void {
  globalThis.Response = LightResponse as unknown as typeof Response
}

/**
 * @returns what a response was made from, if it remembers; also for the light ones of `@hono/node-server`.
 */
export function responseParts(response: Response): ResponseParts | undefined {
  if (response instanceof LightResponse) return (response as LightResponse)[parts]
  for (const symbol of Object.getOwnPropertySymbols(response)) {
    if (symbol.description !== 'cache') continue
    const cache: unknown = (response as unknown as Record<symbol, unknown>)[symbol]
    if (!Array.isArray(cache) || cache.length !== 3) return undefined
    const [status, body, headers] = cache
    if (typeof status !== 'number') return undefined
    if (body === null || typeof body === 'string' || body instanceof Uint8Array)
      return { status, body, headers }
  }
  return undefined
}

/** The body of remembered parts as bytes. */
export function partsBody({ body }: ResponseParts): Uint8Array | null {
  return typeof body === 'string' ? utf8(body) : body
}
