import type { CryptoBackend } from '@keyhaven/crypto'
import type { BhttpRequestHead } from '../wire/binary-http.ts'
import { createRequestSealer } from '../wire/chunked.ts'
import { OHTTP_CHUNKED_REQUEST_TYPE, OHTTP_CHUNKED_RESPONSE_TYPE, PROBLEM_TYPE } from '../wire/media-types.ts'
import type { RecipientKey } from '../wire/request-header.ts'
import { orAbort, throwIfAborted } from './abort.ts'
import { gatewayUnavailable, notSealed } from './channel-errors.ts'
import { type OpenedAnswer, openAnswer } from './open-answer.ts'
import { readAtMost } from './read-at-most.ts'
import type { RequestBody } from './request-body.ts'
import { fitsOneChunk, sealPieces, sealWhole } from './seal-upload.ts'
import { type SignRequest, signedHead } from './sign-request.ts'
import type { UnsealedRefusal } from './trust-source.ts'

/** Of an unsealed refusal's problem details. */
const PROBLEM_MAX_BYTES = 4_096

export interface Transport {
  readonly backend: CryptoBackend
  readonly fetch: typeof fetch
  /** Of the gateway: `…/gateway/{applicationId}`. */
  readonly url: string
  readonly streamUploads: boolean
}

export type SealedResult =
  | { readonly sealed: true; readonly answer: OpenedAnswer }
  | { readonly sealed: false; readonly refusal: UnsealedRefusal }

/**
 * One attempt of one request: seals it to `key`, sends it, opens the answer.
 *
 * Only a 200 of the right media type is taken for sealed, and only what opens under this exchange is: all
 * else is anybody's.
 *
 * @param sign - makes fields for this attempt's head; what it throws comes out as it is, and nothing was
 *   sent.
 * @returns the answer up to its head, or an unsealed 4xx.
 * @throws what the transport throws (TypeError, AbortError); KeyhavenError `GATEWAY_UNAVAILABLE` on an
 *   unsealed 5xx, `GATEWAY_REFUSED` on any other unsealed answer, `OPEN_FAILED`.
 */
export async function sendSealed(
  transport: Transport,
  key: RecipientKey,
  unsignedHead: BhttpRequestHead,
  body: RequestBody | undefined,
  signal: AbortSignal | undefined,
  sign?: SignRequest,
): Promise<SealedResult> {
  throwIfAborted(signal)
  const failure: UploadFailure = {}
  const sealer = await createRequestSealer(transport.backend, key)
  const head =
    sign === undefined ? unsignedHead : await orAbort(signedHead(unsignedHead, body, sealer, sign), signal)
  const upload = fitsOneChunk(body)
    ? await sealWhole(sealer, head, body)
    : await toUpload(watched(sealPieces(sealer, head, body!), failure), transport.streamUploads, signal)
  throwIfAborted(signal)
  const init = {
    method: 'POST',
    headers: { 'content-type': OHTTP_CHUNKED_REQUEST_TYPE, accept: OHTTP_CHUNKED_RESPONSE_TYPE },
    body: upload,
    duplex: 'half',
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'manual',
    referrerPolicy: 'no-referrer',
    signal: signal ?? null,
  } satisfies RequestInit & { duplex: string }
  const sending = transport.fetch(transport.url, init)
  const response = await orAbort(sending, signal).catch((error) => {
    throw failure.error ?? error
  })
  if (failure.error !== undefined) {
    await response.body?.cancel()
    throw failure.error
  }
  if (
    response.status === 200 &&
    mediaTypeOf(response) === OHTTP_CHUNKED_RESPONSE_TYPE &&
    response.body !== null
  ) {
    return { sealed: true, answer: await openAnswer(response.body, sealer.responseOpener(), signal) }
  }
  if (response.status < 400 || response.status > 499) {
    await response.body?.cancel()
    throw response.status >= 500 ? gatewayUnavailable(response.status) : notSealed(response.status)
  }
  return { sealed: false, refusal: await orAbort(readRefusal(response), signal) }
}

interface UploadFailure {
  error?: TypeError
}

/**
 * Remembers that the app's own body failed: else only the gateway's complaint about a cut request would be
 * seen.
 */
async function* watched<T>(
  pieces: AsyncGenerator<T, void, void>,
  failure: UploadFailure,
): AsyncGenerator<T, void, void> {
  try {
    yield* pieces
  } catch (cause) {
    failure.error = new TypeError('the body of the request failed', { cause })
    throw failure.error
  }
}

/** Sealed pieces as the platform takes them: a stream, or where that is not possible, one Blob. */
async function toUpload(
  pieces: AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>,
  stream: boolean,
  signal: AbortSignal | undefined,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | Blob> {
  if (!stream) {
    const parts: Uint8Array<ArrayBuffer>[] = []
    for await (const piece of pieces) {
      throwIfAborted(signal)
      parts.push(piece)
    }
    return new Blob(parts)
  }
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await pieces.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: async () => {
        await pieces.return()
      },
    },
    { highWaterMark: 0 },
  )
}

/** Type and code only choose which error the caller sees; nothing is decided by them. */
async function readRefusal(response: Response): Promise<UnsealedRefusal> {
  const refusal = { status: response.status, type: undefined, code: undefined }
  if (mediaTypeOf(response) !== PROBLEM_TYPE) {
    await response.body?.cancel()
    return refusal
  }
  try {
    const bytes = await readAtMost(response, PROBLEM_MAX_BYTES)
    const problem = JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array(0))) as Record<
      string,
      unknown
    >
    return { ...refusal, type: textOf(problem.type), code: textOf(problem.code) }
  } catch {
    return refusal
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function mediaTypeOf(response: Response): string | undefined {
  return response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
}
