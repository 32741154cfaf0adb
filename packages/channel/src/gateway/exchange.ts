import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import type { BhttpField, BhttpResponse } from '../wire/bhttp-message.ts'
import { targetPath } from '../wire/bhttp-rules.ts'
import { formatHttpDate } from '../wire/http-date.ts'
import { OHTTP_CHUNKED_RESPONSE_TYPE, OHTTP_RESPONSE_TYPE } from '../wire/media-types.ts'
import { applicationExportContext } from '../wire/request-header.ts'
import { endToEndFields } from './hop-by-hop.ts'
import { innerUrl } from './inner-url.ts'
import { LightRequest } from './light-request.ts'
import type { GatewayLimits } from './limits.ts'
import { type OpenEnvelope, openEnvelope } from './open-envelope.ts'
import { isOuterFailure } from './outer-failure.ts'
import { type OwnFields, readOwnFields } from './own-fields.ts'
import type {
  GatewayEvent,
  GatewayKeys,
  OuterRequest,
  OuterResponse,
  ReplayStore,
  SealedContext,
  SealedHandler,
} from './ports.ts'
import { type GatewayErrorCode, isGatewayErrorCode, sealedProblem, unsealedProblem } from './problem.ts'
import { type InnerRequest, readRequest } from './read-request.ts'
import { type ReadResponse, readResponse } from './read-response.ts'
import { judgeDate } from './request-clock.ts'
import { collectBody, type Exchange, fitsOneChunk, sealStream, sealWhole } from './seal-response.ts'

/** Everything that an exchange needs, defaults filled in. */
export interface ExchangeSettings {
  readonly backend: CryptoBackend
  readonly keys: GatewayKeys
  readonly handler: SealedHandler
  readonly replay: ReplayStore
  readonly clock: () => number
  readonly sleep: (milliseconds: number) => Promise<void>
  readonly allowPath: (path: string) => boolean
  readonly limits: GatewayLimits
  readonly windowSeconds: number
  readonly skewSeconds: number
  readonly onExchange: ((event: GatewayEvent) => void) | undefined
}

/** What is reported of an exchange while it goes on. */
interface Report {
  keyId: number | undefined
  own: OwnFields | undefined
}

interface Answer {
  readonly outcome: GatewayEvent['outcome']
  readonly response: OuterResponse
}

const STATUS_OK = 200

function codeOf(error: unknown, otherwise: GatewayErrorCode): GatewayErrorCode {
  return error instanceof KeyhavenError && isGatewayErrorCode(error.code) ? error.code : otherwise
}

/**
 * One exchange from envelope to envelope. Never throws: what cannot be answered inside the seal is answered
 * with one of the fixed refusals in clear.
 */
export async function runExchange(settings: ExchangeSettings, request: OuterRequest): Promise<OuterResponse> {
  const report: Report = { keyId: undefined, own: undefined }
  let outcome: GatewayEvent['outcome']
  let response: OuterResponse
  try {
    const envelope = await openEnvelope(settings.backend, settings.keys, settings.limits, request)
    report.keyId = envelope.key.keyId
    const answered = await answer(settings, request, envelope, report)
    outcome = answered.outcome
    response = answered.response
  } catch (error) {
    const code = codeOf(error, 'OPEN_FAILED')
    outcome = code
    response = unsealedProblem(code)
  }
  notify(settings, request.applicationId, report, outcome)
  return response
}

function notify(
  settings: ExchangeSettings,
  applicationId: string,
  { keyId, own }: Report,
  outcome: GatewayEvent['outcome'],
): void {
  if (settings.onExchange === undefined) return
  try {
    settings.onExchange({
      applicationId,
      ...(keyId !== undefined && { keyId }),
      ...(own?.client !== undefined && { client: own.client }),
      outcome,
    })
  } catch {
    // Figures are worth less than the answer.
  }
}

/** From the first opened byte on: refusals go inside the seal, but for what could not be opened. */
async function answer(
  settings: ExchangeSettings,
  request: OuterRequest,
  envelope: OpenEnvelope,
  report: Report,
): Promise<Answer> {
  let refusal: { code: GatewayErrorCode; members?: object } | undefined
  let inner: InnerRequest | undefined
  let url = ''
  try {
    inner = await readRequest(envelope.reader, settings.limits)
    url = innerUrl(inner.head)
    report.own = readOwnFields(inner.head.headers)
    refusal = await admit(settings, request.applicationId, envelope, inner, report.own)
  } catch (error) {
    if (isOuterFailure(error)) throw error
    refusal = { code: codeOf(error, 'WIRE_MALFORMED') }
  }
  const exchange: Exchange = { ...envelope.exchange, ownClient: report.own?.client !== undefined }
  if (refusal !== undefined || inner === undefined) {
    envelope.reader.cancel()
    const { code, members } = refusal!
    const problem = sealedProblem(code, settings.clock(), members)
    return { outcome: code, response: await sealedAnswer(settings, exchange, problem) }
  }
  return handle(settings, request, envelope, exchange, inner, url, report.own!)
}

/** Path, clock and replay, in this order. @returns why the request may not run; undefined if it may. */
async function admit(
  settings: ExchangeSettings,
  applicationId: string,
  envelope: OpenEnvelope,
  { head }: InnerRequest,
  { date, requestId }: OwnFields,
): Promise<{ code: GatewayErrorCode; members?: object } | undefined> {
  if (!settings.allowPath(targetPath(head.path))) return { code: 'ACCESS_DENIED' }
  const { replay, windowSeconds, skewSeconds } = settings
  const now = settings.clock()
  const { refusesBefore } = replay
  const judged = judgeDate(date, now, refusesBefore, windowSeconds, skewSeconds)
  if (judged.verdict === 'past') {
    const { refusedSince, retryAfter } = judged
    return { code: 'CLOCK_SKEW', members: { now, refusedSince, retryAfterMs: retryAfter } }
  }
  const ahead = judged.verdict === 'future'
  const notBurned = { code: 'CLOCK_SKEW', members: { now, burned: false } } as const
  if (judged.rememberUntil === undefined || (ahead && replay.burn === undefined)) return notBurned
  const hashing = settings.backend.sha256(envelope.exchange.enc)
  const encapsulatedKey = hashing instanceof Promise ? await hashing : hashing
  let fresh: boolean | undefined
  try {
    const entry = { applicationId, encapsulatedKey, requestId, expiresAt: judged.rememberUntil }
    const inserting = ahead ? replay.burn!(entry) : replay.insert(entry)
    fresh = inserting instanceof Promise ? await inserting : inserting
  } catch {
    return { code: 'STORE_UNAVAILABLE' }
  }
  // Meanwhile it was found that another store was in use, which may have let this request through.
  if (replay.refusesBefore > refusesBefore) return { code: 'STORE_UNAVAILABLE' }
  // It took so long that an entry of this request, made by another process, may have ended.
  if (settings.clock() > judged.rememberUntil) return { code: 'STORE_UNAVAILABLE' }
  if (ahead && fresh === undefined) return notBurned
  if (fresh !== true) return { code: 'REPLAYED' }
  if (judged.verdict === 'future') return { code: 'CLOCK_SKEW', members: { now, burned: true } }
  if (judged.holdFor > 0) await settings.sleep(judged.holdFor)
  return undefined
}

async function handle(
  settings: ExchangeSettings,
  request: OuterRequest,
  envelope: OpenEnvelope,
  exchange: Exchange,
  inner: InnerRequest,
  url: string,
  own: OwnFields,
): Promise<Answer> {
  const { head } = inner
  let read: ReadResponse | undefined
  try {
    const light = new LightRequest({
      method: head.method,
      url,
      fields: endToEndFields(head.headers),
      body: inner.body instanceof Uint8Array && inner.body.length === 0 ? null : inner.body,
      signal: request.signal,
    })
    const handling = settings.handler(light, contextOf(request.applicationId, envelope, own))
    const response = handling instanceof Promise ? await handling : handling
    const reading = readResponse(response, head.method)
    read = reading instanceof Promise ? await reading : reading
  } catch {
    // Whatever it says, it is the handler's: only the gateway gives a refusal of the gateway's.
  }
  const failure = inner.failure()
  if (read !== undefined && failure === undefined) {
    const dated = read.fields.some(([name]) => name === 'date')
    const fields = dated ? read.fields : [...read.fields, dateField(settings)]
    return sealResponse(settings, exchange, { ...read, fields })
  }
  if (read !== undefined && !(read.body instanceof Uint8Array)) read.body.reader.cancel().catch(() => {})
  // A body that could not be opened is answered as if its first piece could not.
  if (isOuterFailure(failure)) throw failure
  const code = codeOf(failure, 'UPSTREAM_FAILED')
  return {
    outcome: code,
    response: await sealedAnswer(settings, exchange, sealedProblem(code, settings.clock())),
  }
}

function dateField(settings: ExchangeSettings): BhttpField {
  return ['date', formatHttpDate(settings.clock())]
}

function contextOf(applicationId: string, envelope: OpenEnvelope, own: OwnFields): SealedContext {
  const { context } = envelope.exchange
  return {
    applicationId,
    keyId: envelope.key.keyId,
    ...(own.requestId !== undefined && { requestId: own.requestId }),
    ...(own.client !== undefined && { client: own.client }),
    export: (label, length) => context.export(applicationExportContext(label), length),
  }
}

async function sealResponse(
  settings: ExchangeSettings,
  exchange: Exchange,
  read: ReadResponse,
): Promise<Answer> {
  const { status, fields } = read
  if (exchange.form === 'chunked') {
    if (read.body instanceof Uint8Array && fitsOneChunk(exchange, read.body.length)) {
      const whole: BhttpResponse = { status, headers: fields, body: read.body }
      return { outcome: 'answered', response: await sealedAnswer(settings, exchange, whole) }
    }
    const headers = {
      'content-type': OHTTP_CHUNKED_RESPONSE_TYPE,
      'cache-control': 'no-store',
      incremental: '?1',
    }
    const body = sealStream(settings.backend, exchange, read)
    return { outcome: 'answered', response: { status: STATUS_OK, headers, body } }
  }
  let body: Uint8Array | undefined
  let code: GatewayErrorCode = 'WIRE_TOO_LARGE'
  try {
    body = await collectBody(read.body, settings.limits.maxWholeResponseBytes)
  } catch {
    code = 'UPSTREAM_FAILED'
  }
  if (body !== undefined) {
    const response = await sealedAnswer(settings, exchange, { status, headers: fields, body })
    return { outcome: 'answered', response }
  }
  const problem = sealedProblem(code, settings.clock())
  return { outcome: code, response: await sealedAnswer(settings, exchange, problem) }
}

async function sealedAnswer(
  settings: ExchangeSettings,
  exchange: Exchange,
  response: BhttpResponse,
): Promise<OuterResponse> {
  const body = await sealWhole(settings.backend, exchange, response)
  const headers = {
    'content-type': exchange.form === 'chunked' ? OHTTP_CHUNKED_RESPONSE_TYPE : OHTTP_RESPONSE_TYPE,
    'content-length': String(body.length),
    'cache-control': 'no-store',
  }
  return { status: STATUS_OK, headers, body }
}
