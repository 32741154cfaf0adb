import type { CryptoBackend } from '@keyhaven/crypto'
import type { BhttpRequestHead } from '../wire/binary-http.ts'
import {
  CLIENT_FIELD,
  DATE_FIELD,
  ERROR_FIELD,
  encodeRequestId,
  REQUEST_ID_BYTES,
  REQUEST_ID_FIELD,
} from '../wire/client-header.ts'
import { formatHttpDate } from '../wire/http-date.ts'
import type { RecipientKey } from '../wire/request-header.ts'
import { orAbort } from './abort.ts'
import type { ChannelClock, ClockMark } from './channel-clock.ts'
import { bodyConsumed, clockResultUnknown, clockSkew, resultUnknown } from './channel-errors.ts'
import { type ClockRefusal, certainlyNeverRan, readClockRefusal, untilAccepted } from './clock-refusal.ts'
import type { OpenedAnswer } from './open-answer.ts'
import { sendSealed, type Transport } from './send-sealed.ts'
import type { OutgoingRequest } from './take-request.ts'
import type { TrustSource } from './trust-source.ts'

/** A timer can end early: what is left is waited for again, but not for ever, as a clock can stand still. */
const MAX_PAUSES = 3
/** Node's timers leave out parts of a millisecond. */
const TIMER_EARLY_MILLISECONDS = 1

export interface CallContext {
  readonly backend: CryptoBackend
  readonly transport: Transport
  readonly trust: TrustSource
  readonly clock: ChannelClock
  /** Value of the field that says which installation asks. */
  readonly client: () => Promise<string>
}

/** What makes two attempts one request: the gateway runs an id once. */
interface Stamp {
  readonly requestId: string
  readonly date: string
  /** Before the first attempt under this id. */
  readonly since: ClockMark
}

/**
 * Runs one request through the channel, at most once on the server.
 *
 * An unsealed refusal can be forged, so the request may have run all the same: it is sent again with the same
 * id and the same date, and the gateway answers REPLAYED if it has run. After a clock refusal, which is
 * sealed, it is sent again under a new id, and only if it certainly never ran.
 *
 * @returns the sealed answer, opened up to its head.
 * @throws as {@link sendSealed}; KeyhavenError `RESULT_UNKNOWN`, `CLOCK_SKEW`, `KEY_REVOKED`,
 *   `GATEWAY_REFUSED`, and those of the trust source (`MANIFEST_…`).
 */
export async function runCall(context: CallContext, request: OutgoingRequest): Promise<OpenedAnswer> {
  const { trust } = context
  const { body, signal } = request
  const replayable = body?.replayable ?? true
  const client = await orAbort(context.client(), signal)
  let key: RecipientKey = await orAbort(trust.current(), signal)
  let stamp = newStamp(context)
  let refusals = 0
  let clockRetried = false
  for (;;) {
    const head = headOf(request, stamp, client)
    const result = await sendSealed(context.transport, key, head, body, signal, request.sign)
    if (!result.sealed) {
      // Also when the body is gone: the refresh is for the next call then.
      const next = await orAbort(trust.next(key, refusals), signal)
      if (next === undefined) throw trust.refusal(result.refusal)
      if (!replayable) {
        trust.postpone(next)
        throw bodyConsumed(result.refusal)
      }
      key = next
      refusals += 1
      continue
    }
    const { answer } = result
    await trust.accepted(key)
    const code = answer.head.headers.find(([name]) => name === ERROR_FIELD)?.[1]
    if (code === 'REPLAYED') {
      await answer.cancel()
      throw resultUnknown()
    }
    if (code !== 'CLOCK_SKEW') return answer
    await answer.cancel()
    await correctClock(context, readClockRefusal(answer.whole), stamp, replayable && !clockRetried, signal)
    stamp = newStamp(context)
    clockRetried = true
  }
}

/**
 * @throws KeyhavenError `RESULT_UNKNOWN` unless the request certainly never ran; `CLOCK_SKEW` if it cannot be
 *   sent again.
 */
async function correctClock(
  { clock }: CallContext,
  refusal: ClockRefusal | undefined,
  stamp: Stamp,
  canRetry: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (refusal === undefined) throw clockResultUnknown()
  const neverRan = certainlyNeverRan(refusal, clock.elapsed(stamp.since))
  clock.correct(refusal.now)
  if (!neverRan) throw clockResultUnknown()
  if (!canRetry) throw clockSkew()
  for (let turn = 0; turn < MAX_PAUSES; turn++) {
    const pause = untilAccepted(refusal, clock.now())
    if (pause === 0) return
    await orAbort(new Promise((resolve) => setTimeout(resolve, pause + TIMER_EARLY_MILLISECONDS)), signal)
  }
}

function newStamp({ backend, clock }: CallContext): Stamp {
  return {
    requestId: encodeRequestId(backend.randomBytes(REQUEST_ID_BYTES)),
    date: formatHttpDate(clock.now()),
    since: clock.mark(),
  }
}

function headOf(request: OutgoingRequest, stamp: Stamp, client: string): BhttpRequestHead {
  const { url, method, headers } = request
  return {
    method,
    scheme: url.protocol.slice(0, -1),
    authority: url.host,
    path: url.pathname + url.search,
    headers: [
      ...headers,
      [DATE_FIELD, stamp.date],
      [REQUEST_ID_FIELD, stamp.requestId],
      [CLIENT_FIELD, client],
    ],
  }
}
