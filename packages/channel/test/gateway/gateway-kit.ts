import { type CryptoBackend, type KemKeyPair, type KemName, padmeLength, utf8 } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import {
  createGateway,
  createMemoryReplayStore,
  type Gateway,
  type GatewayOptions,
  type SealedHandler,
  staticGatewayKeys,
} from '../../src/gateway/index.ts'
import {
  type BhttpEvent,
  type BhttpField,
  type BhttpRequest,
  type BhttpResponse,
  BhttpResponseDecoder,
  type BhttpResponseHead,
  encodeRequest,
} from '../../src/wire/binary-http.ts'
import { createRequestSealer, type RequestSealer } from '../../src/wire/chunked.ts'
import { CLIENT_FIELD, ERROR_FIELD, encodeRequestId, REQUEST_ID_FIELD } from '../../src/wire/client-header.ts'
import { formatHttpDate } from '../../src/wire/http-date.ts'
import { joinBytes } from '../../src/wire/join-bytes.ts'
import type { RecipientKey } from '../../src/wire/request-header.ts'

export const KEY_ID = 7
export const CHUNKED = 'message/ohttp-chunked-req'
export const WHOLE = 'message/ohttp-req'
/** The gateway's clock at the start of each test. */
export const START = Date.UTC(2026, 10, 21, 12, 0, 0)
export const CLIENT = 'id=installation-1; app=2.0.1; sdk=0.1.0; trust=pinned'

export interface Kit {
  readonly gateway: Gateway
  readonly pair: KemKeyPair
  readonly recipient: RecipientKey
  readonly backend: CryptoBackend
  /** Requests that the handler saw. */
  readonly seen: string[]
  now: number
}

export interface KitOptions extends Partial<Omit<GatewayOptions, 'handler' | 'clock'>> {
  readonly handler?: SealedHandler
  readonly kem?: KemName
  readonly aead?: RecipientKey['aead']
}

/** A gateway with one key, a clock that stands still, and an echo behind it. */
export async function createKit(options: KitOptions = {}): Promise<Kit> {
  const { kem = 'x25519', aead = 'aes-256-gcm', backend = nodeBackend, handler = echo, ...rest } = options
  const pair = await backend.kem.generateKeyPair(kem)
  const seen: string[] = []
  const kit = { now: START, seen, pair, backend } as unknown as Kit & {
    gateway: Gateway
    recipient: RecipientKey
  }
  const clock = () => kit.now
  kit.recipient = { keyId: KEY_ID, publicKey: pair.publicKey, aead }
  kit.gateway = createGateway({
    keys: staticGatewayKeys([{ keyId: KEY_ID, privateKey: pair.privateKey }, { keyId: 9 }], 'default'),
    replay: createMemoryReplayStore(clock, { refusesBefore: 1 }),
    backend,
    clock,
    sleep: async (milliseconds) => {
      kit.now += milliseconds
    },
    ...rest,
    handler(request, context) {
      seen.push(`${request.method} ${request.url}`)
      return handler(request, context)
    },
  })
  return kit
}

export const echo: SealedHandler = async (request) =>
  Response.json({
    method: request.method,
    url: request.url,
    fields: [...request.headers],
    text: await request.text(),
  })

export function makeRequest(change: Partial<BhttpRequest> = {}, now: number = START): BhttpRequest {
  return {
    method: 'POST',
    scheme: 'https',
    authority: 'api.example',
    path: '/v1/things',
    headers: [
      ['date', formatHttpDate(now)],
      [CLIENT_FIELD, CLIENT],
      [REQUEST_ID_FIELD, encodeRequestId(crypto.getRandomValues(new Uint8Array(16)))],
      ['content-type', 'text/plain'],
    ],
    body: utf8('a request in a seal'),
    ...change,
  }
}

/** A request's fields with one more, or with one replaced. */
export function withField(name: string, value: string | undefined, now?: number): Partial<BhttpRequest> {
  const kept: BhttpField[] = makeRequest({}, now).headers.filter(([other]) => other !== name)
  return { headers: value === undefined ? kept : [...kept, [name, value]] }
}

export interface Sealed {
  readonly envelope: Uint8Array
  readonly sealer: RequestSealer
}

/** One final chunk, as the SDK sends small requests. */
export async function seal(kit: Kit, request: BhttpRequest = makeRequest({}, kit.now)): Promise<Sealed> {
  return sealBytes(kit, encodeRequest(request, padmeLength))
}

export async function sealBytes(kit: Kit, bhttp: Uint8Array): Promise<Sealed> {
  const sealer = await createRequestSealer(kit.backend, kit.recipient)
  return { envelope: joinBytes([sealer.header, await sealer.sealChunk(bhttp, true)]), sealer }
}

/** What came back over the network. */
export interface Outer {
  readonly status: number
  readonly headers: [string, string][]
  readonly body: Uint8Array
}

export async function post(
  kit: Kit,
  body: Uint8Array | ReadableStream<Uint8Array>,
  contentType = CHUNKED,
  applicationId?: string,
): Promise<Outer> {
  const request = new Request('https://gateway.example/gateway', {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: body as BodyInit,
    duplex: 'half',
  } as RequestInit)
  return outer(await kit.gateway(request, applicationId))
}

export async function outer(response: Response): Promise<Outer> {
  return {
    status: response.status,
    headers: [...response.headers],
    body: new Uint8Array(await response.arrayBuffer()),
  }
}

/** Opens a sealed answer; fails if the answer is in clear. */
export async function open(
  sealer: RequestSealer,
  answer: Outer,
): Promise<BhttpResponse & { chunks: number }> {
  if (answer.status !== 200)
    throw new Error(`in clear: ${answer.status} ${new TextDecoder().decode(answer.body)}`)
  const opener = sealer.responseOpener()
  const decoder = new BhttpResponseDecoder()
  const opened = await opener.push(answer.body)
  const events: BhttpEvent<BhttpResponseHead>[] = opened.flatMap((chunk) => decoder.push(chunk, false))
  events.push(...decoder.push(await opener.end(), true))
  const [first] = events
  if (first?.type !== 'head') throw new Error('no head')
  const body = joinBytes(events.flatMap((event) => (event.type === 'content' ? [event.bytes] : [])))
  return { ...first.head, body, chunks: opened.length + 1 }
}

/** Seals, posts, opens. */
export async function call(kit: Kit, change: Partial<BhttpRequest> = {}) {
  const { envelope, sealer } = await seal(kit, makeRequest(change, kit.now))
  return open(sealer, await post(kit, envelope))
}

export function field(response: { headers: readonly BhttpField[] }, name: string): string | undefined {
  return response.headers.find(([other]) => other === name)?.[1]
}

/** The code of a refusal inside the seal. */
export function sealedError(response: { headers: readonly BhttpField[] }): string | undefined {
  return field(response, ERROR_FIELD)
}

export function json(response: { body: Uint8Array }): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(response.body)) as Record<string, unknown>
}

/** The code of a refusal in clear. */
export function clearError(answer: Outer): unknown {
  return json(answer).code
}

/** The DOM's types do not know `ReadableStream.from`. */
export function streamOf(
  source: AsyncIterable<unknown> | Iterable<unknown>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { from } = ReadableStream as unknown as {
    from(source: unknown): ReadableStream<Uint8Array<ArrayBuffer>>
  }
  return from(source)
}
