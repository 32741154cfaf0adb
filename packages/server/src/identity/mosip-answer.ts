import type { ErrorCode } from '@keyhaven/crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import { type EnvelopeHead, type MosipResponse, mosipErrors } from '@keyhaven/identity'

const JSON_HEADERS = { 'content-type': 'application/json;charset=UTF-8' }
const STATUS_OK = 200
/** What MOSIP's services answer with a status; every other refusal has 200 and its code in `errors`. */
const STATUSES: Partial<Record<ErrorCode, readonly [status: number, code: string]>> = {
  UNAUTHENTICATED: [401, 'KER-ATH-401'],
  RATE_LIMITED: [429, 'KER-ATH-429'],
  STORE_UNAVAILABLE: [503, 'KER-500'],
  UPSTREAM_FAILED: [503, 'KER-500'],
}

/** Before any service: the role of whoever calls has nothing to do there. */
const ADMISSION_STATUSES: typeof STATUSES = { ...STATUSES, ACCESS_DENIED: [403, 'KER-ATH-403'] }

/** One service's codes for our refusals. */
export interface MosipCodes {
  readonly codes: Partial<Record<ErrorCode, string>>
  /** For what is not in `codes`. Without it that is a fault of ours. */
  readonly otherwise?: string
}

export function mosipJson(body: unknown, status: number = STATUS_OK): Response {
  return new Response(JSON.stringify(body), { status, headers: JSON_HEADERS })
}

/**
 * A refusal in MOSIP's envelope. Our message goes with it: it is written for people and holds nothing secret.
 *
 * @returns undefined for a fault of ours.
 */
export function mosipRefusal(
  error: unknown,
  { codes, otherwise }: MosipCodes,
  now: number,
  head?: EnvelopeHead,
  shape: (body: MosipResponse<never>) => object = (body) => body,
  statuses: typeof STATUSES = STATUSES,
): Response | undefined {
  if (!(error instanceof KeyhavenError)) return undefined
  const [status, errorCode] = statuses[error.code] ?? [STATUS_OK, codes[error.code] ?? otherwise]
  if (errorCode === undefined) return undefined
  return mosipJson(shape(mosipErrors([{ errorCode, message: error.message }], now, head)), status)
}

/** The same for whoever may not call at all, whatever the service. */
export function mosipCallerRefusal(error: unknown, now: number, head?: EnvelopeHead): Response | undefined {
  return mosipRefusal(error, { codes: {} }, now, head, undefined, ADMISSION_STATUSES)
}
