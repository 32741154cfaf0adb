import type { Channel } from '@keyhaven/channel'
import { type CryptoBackend, type ErrorCode, fromUtf8, KeyhavenError, readAtMost } from '@keyhaven/crypto'
import { serverRefusal, signDeviceRequest } from '@keyhaven/directory'
import type { DeviceKeys } from '@keyhaven/messaging'

/** Of an answer in JSON: a page of envelopes. */
const ANSWER_MAX_BYTES = 67_108_864
const PROBLEM_MAX_BYTES = 16_384

/** What the server may say. Codes about proofs are this side's own to give. */
const SERVER_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'ACCESS_DENIED',
  'CLOCK_SKEW',
  'CONFLICT',
  'DEVICE_REVOKED',
  'DUPLICATE',
  'DIRECTORY_STALE',
  'FILE_DAMAGED',
  'HISTORY_UNAVAILABLE',
  'INPUT_INVALID',
  'KEY_EXPIRED',
  'KEY_NOT_YET_VALID',
  'KEY_PENDING',
  'LAST_HOLDER',
  'NOT_FOUND',
  'RATE_LIMITED',
  'STORE_UNAVAILABLE',
  'SUITE_REFUSED',
  'UNAUTHENTICATED',
  'UPLOAD_CONFLICT',
  'WIRE_MALFORMED',
  'WIRE_TOO_LARGE',
])

/** An answer to HEAD has no body that could name its code. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'ACCESS_DENIED',
  404: 'NOT_FOUND',
  429: 'RATE_LIMITED',
  503: 'STORE_UNAVAILABLE',
  507: 'STORE_UNAVAILABLE',
}

export interface SignedApiOptions {
  readonly signedFetch: Channel['signedFetch']
  readonly application: string
  readonly backend: CryptoBackend
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly keys: DeviceKeys
}

/** Calls of mailbox, history, conversations and files: sealed, and signed by this device. */
export interface SignedApi {
  /** @throws KeyhavenError with the server's code, and with `permission` and `reason` where it says them. */
  call(method: string, path: string, body?: object, signal?: AbortSignal): Promise<Response>
  json(method: string, path: string, body?: object, signal?: AbortSignal): Promise<Record<string, unknown>>
  /** With any body, of at most 8 MiB. Throws as {@link call}. */
  send(method: string, path: string, init: Omit<RequestInit, 'method'>): Promise<Response>
}

export function createSignedApi(options: SignedApiOptions): SignedApi {
  const { signedFetch, application, backend, clock, keys } = options
  const send: SignedApi['send'] = async (method, path, init) => {
    const { device, requestKey: key } = keys
    const response = await signedFetch(path, { ...init, method }, (request) =>
      signDeviceRequest({ backend, application, device, key, clock }, request),
    )
    if (response.ok) return response
    if (method !== 'HEAD') throw await problemOf(response)
    await response.body?.cancel()
    const code = CODE_OF_STATUS[response.status]
    throw code === undefined ? refusedWith(response.status) : serverRefusal('the server', code)
  }

  const call: SignedApi['call'] = (method, path, body, signal) =>
    send(method, path, {
      ...(signal && { signal }),
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })

  return {
    call,
    send,
    async json(method, path, body, signal) {
      const response = await call(method, path, body, signal)
      return parseObject(await readAnswer(response, ANSWER_MAX_BYTES))
    },
  }
}

async function problemOf(response: Response): Promise<KeyhavenError> {
  try {
    const problem = parseObject(await readAnswer(response, PROBLEM_MAX_BYTES))
    const { code } = problem
    if (typeof code === 'string' && SERVER_CODES.has(code)) {
      return serverRefusal('the server', code as ErrorCode, problem)
    }
  } catch {
    // A problem that cannot be read says as much as its status.
  }
  return refusedWith(response.status)
}

function refusedWith(status: number): KeyhavenError {
  return new KeyhavenError('GATEWAY_REFUSED', `the server answered with status ${status}`)
}

/** @throws KeyhavenError `WIRE_TOO_LARGE` before more than `maxBytes` are kept. */
async function readAnswer(response: Response, maxBytes: number): Promise<Uint8Array> {
  const bytes = await readAtMost(response.body, maxBytes)
  if (bytes !== undefined) return bytes
  throw new KeyhavenError('WIRE_TOO_LARGE', 'the answer is too large')
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(fromUtf8(bytes))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // As if it were another's.
  }
  throw new KeyhavenError('WIRE_MALFORMED', 'the server gave an answer that cannot be read')
}
