import type { BhttpField } from '../wire/bhttp-message.ts'
import { LightHeaders } from './light-headers.ts'

const NOTHING = new Uint8Array(0)
const decoder = new TextDecoder()

export interface LightRequestInit {
  readonly method: string
  /** Absolute, normalised already. */
  readonly url: string
  readonly fields: readonly BhttpField[]
  /** null: the request has none. */
  readonly body: Uint8Array | ReadableStream<Uint8Array> | null
  readonly signal?: (() => AbortSignal) | undefined
}

/**
 * A `Request` without the cost of one. Method, address, look-up of a header and the body as text, JSON or
 * bytes are answered directly; for all else a real `Request` is made, once. `clone()` gives a real one, which
 * is also what to hand to `fetch`.
 */
export class LightRequest implements Request {
  readonly #init: LightRequestInit
  #headers: LightHeaders | undefined
  #signal: AbortSignal | undefined
  #real: Request | undefined
  #used = false

  constructor(init: LightRequestInit) {
    this.#init = init
  }

  get #request(): Request {
    if (this.#real === undefined) {
      const { method, url, body } = this.#init
      // A body that was read is passed on as read: an empty one in its place would be another request.
      if (this.#used) throw new TypeError('Body is unusable: Body has already been read')
      this.#real = new Request(url, {
        method,
        headers: [...this.headers],
        body: body as BodyInit | null,
        signal: this.signal,
        ...(body instanceof ReadableStream && { duplex: 'half' }),
      })
    }
    return this.#real
  }

  get method(): string {
    return this.#init.method
  }

  get url(): string {
    return this.#init.url
  }

  get headers(): Headers {
    this.#headers ??= new LightHeaders(this.#init.fields)
    return this.#headers
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#init.signal?.() ?? new AbortController().signal
    return this.#signal
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (this.#init.body === null) return null
    if (this.#used) {
      // The platform's own kind of a body that is gone.
      return new Response(NOTHING).body
    }
    return this.#request.body
  }

  get bodyUsed(): boolean {
    return this.#real?.bodyUsed ?? this.#used
  }

  /** The body, if it is here as bytes and no real request has taken it over. */
  #take(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#real !== undefined || this.#init.body instanceof ReadableStream) return undefined
    if (this.#init.body === null) return NOTHING
    if (this.#used) throw new TypeError('Body is unusable: Body has already been read')
    this.#used = true
    return this.#init.body as Uint8Array<ArrayBuffer>
  }

  /** The body, if it is held in memory as a whole; reading it as a stream would build one. */
  get held(): boolean {
    return this.#real === undefined && !this.#used && !(this.#init.body instanceof ReadableStream)
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = this.#take()
    return bytes === undefined ? this.#request.arrayBuffer() : bytes.slice().buffer
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = this.#take()
    return bytes === undefined ? this.#request.bytes() : bytes.slice()
  }

  async text(): Promise<string> {
    const bytes = this.#take()
    return bytes === undefined ? this.#request.text() : decoder.decode(bytes)
  }

  async json(): Promise<unknown> {
    const bytes = this.#take()
    return bytes === undefined ? this.#request.json() : JSON.parse(decoder.decode(bytes))
  }

  async blob(): Promise<Blob> {
    return this.#request.blob()
  }

  async formData(): Promise<FormData> {
    return this.#request.formData()
  }

  clone(): Request {
    return this.#request.clone()
  }

  get cache(): RequestCache {
    return this.#request.cache
  }

  get credentials(): RequestCredentials {
    return this.#request.credentials
  }

  get destination(): RequestDestination {
    return this.#request.destination
  }

  get integrity(): string {
    return this.#request.integrity
  }

  get keepalive(): boolean {
    return this.#request.keepalive
  }

  get mode(): RequestMode {
    return this.#request.mode
  }

  get redirect(): RequestRedirect {
    return this.#request.redirect
  }

  get referrer(): string {
    return this.#request.referrer
  }

  get referrerPolicy(): ReferrerPolicy {
    return this.#request.referrerPolicy
  }
}

// `instanceof Request` holds. `new Request(light)` throws rather than lose method and body: clone() first.
Object.setPrototypeOf(LightRequest.prototype, Request.prototype)

/** Whether the body is in memory as a whole, so that `bytes()` costs nothing and is bounded. */
export function isBodyHeld(request: Request): boolean {
  return request instanceof LightRequest && request.held
}
