import { backend, fromBase64url } from '@keyhaven/crypto'
import { encodeRequest } from '../../packages/channel/src/wire/bhttp-encoder.ts'
import type { BhttpField, BhttpResponse } from '../../packages/channel/src/wire/bhttp-message.ts'
import { decodeResponse } from '../../packages/channel/src/wire/bhttp-response-decoder.ts'
import { encodeRequestId } from '../../packages/channel/src/wire/client-header.ts'
import { sealRequest } from '../../packages/channel/src/wire/encapsulation.ts'

/** As the admin API gives it. */
export interface RawKey {
  readonly keyId: number
  readonly publicKey: string
  readonly suite: { readonly kem: 'x-wing' | 'x25519' | 'p-256'; readonly aead: 'aes-256-gcm' }
}

export interface RawRequest {
  readonly method?: string
  readonly scheme?: string
  readonly authority?: string
  readonly path?: string
  readonly headers?: readonly BhttpField[]
  readonly body?: Uint8Array | string
  /** Milliseconds since the epoch; default now. */
  readonly date?: number
  /** Default: a fresh one; null: none. */
  readonly requestId?: string | null
}

export interface RawEnvelope {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Opens the answer of the gateway. */
  open(answer: Uint8Array): Promise<BhttpResponse>
}

export function newRequestId(): string {
  return encodeRequestId(backend.randomBytes(16))
}

/** A sealed request whose every part a test can choose, as a client that is not ours would write it. */
export async function sealRaw(key: RawKey, request: RawRequest = {}): Promise<RawEnvelope> {
  const { requestId = newRequestId(), body = '' } = request
  const bhttp = encodeRequest({
    method: request.method ?? 'GET',
    scheme: request.scheme ?? 'https',
    authority: request.authority ?? 'app.example',
    path: request.path ?? '/v1/echo',
    headers: [
      ['date', new Date(request.date ?? Date.now()).toUTCString()],
      ...(requestId === null ? [] : [['x-keyhaven-request-id', requestId] as const]),
      ...(request.headers ?? []),
    ],
    body: typeof body === 'string' ? Buffer.from(body) : body,
  })
  const publicKey = await backend.kem.importPublicKey(key.suite.kem, fromBase64url(key.publicKey))
  const sealed = await sealRequest(backend, { keyId: key.keyId, publicKey, aead: key.suite.aead }, bhttp)
  return {
    bytes: new Uint8Array(sealed.encapsulated),
    open: async (answer) => decodeResponse(await sealed.open(answer)),
  }
}

export interface RawAnswer {
  /** Of the outer answer. */
  readonly status: number
  /** Whether it came inside the seal. */
  readonly sealed: boolean
  readonly inner: BhttpResponse | undefined
  // biome-ignore lint/suspicious/noExplicitAny: tests look at any member
  readonly json: any
}

/** @param url - of the gateway, application included. */
export async function postEnvelope(url: string, envelope: RawEnvelope): Promise<RawAnswer> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'message/ohttp-req' },
    body: envelope.bytes,
  })
  const bytes = new Uint8Array(await answer.arrayBuffer())
  if (answer.headers.get('content-type') !== 'message/ohttp-res') {
    return { status: answer.status, sealed: false, inner: undefined, json: parse(bytes) }
  }
  const inner = await envelope.open(bytes)
  return { status: answer.status, sealed: true, inner, json: parse(inner.body) }
}

function parse(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString()
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
