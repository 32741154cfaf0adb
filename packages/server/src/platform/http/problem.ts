import type { ErrorCode } from '@keyhaven/crypto'
import { KeyhavenError } from '@keyhaven/crypto'

/** `INTERNAL` stands for a fault of ours: it is never thrown by name. */
export type ProblemCode = ErrorCode | 'INTERNAL'

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** The body of every 4xx and 5xx answer (RFC 9457). */
export interface Problem {
  readonly type: string
  readonly code: ProblemCode
  readonly title: string
  readonly status: number
  /** How a person can mend it. */
  readonly detail?: string
  /** Which fields of the request were refused. */
  readonly errors?: ReadonlyArray<{ readonly path: string; readonly message: string }>
}

const STATUS_SERVER_ERROR = 500

const PROBLEMS: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  ACCESS_DENIED: [403, 'Access denied'],
  CERTIFICATE_INVALID: [403, 'The certificate is refused'],
  CHAIN_BROKEN: [409, 'The chain of entries does not continue'],
  CHAIN_RESET: [409, 'The user was reset'],
  CHANNEL_REQUIRED: [403, 'This address answers only through the sealed channel'],
  CLOCK_SKEW: [400, 'The clock of the caller differs too much'],
  CONFIG_INVALID: [500, 'The server is not configured for this'],
  CONFLICT: [409, 'The request conflicts with the present state'],
  DEVICE_REVOKED: [401, 'The device was revoked'],
  DIRECTORY_STALE: [409, 'The directory is behind what was seen'],
  DUPLICATE: [409, 'It was received before'],
  FILE_DAMAGED: [409, 'The stored file is damaged'],
  GATEWAY_REFUSED: [400, 'The gateway refused the request'],
  GATEWAY_UNAVAILABLE: [503, 'The gateway cannot answer now'],
  HISTORY_UNAVAILABLE: [404, 'There is no such history'],
  INPUT_INVALID: [400, 'The request is not valid'],
  INTERNAL: [500, 'The server failed'],
  KEY_EXPIRED: [409, 'The key has expired'],
  KEY_NOT_YET_VALID: [409, 'The key is not valid yet'],
  KEY_PENDING: [404, 'No device has shared this key with yours yet'],
  KEY_REVOKED: [401, 'The key was revoked'],
  KEY_UNKNOWN: [401, 'The key is not known'],
  LAST_HOLDER: [409, 'Nobody else holds some of the keys'],
  LOG_INCONSISTENT: [409, 'The log is not consistent'],
  MANIFEST_EXPIRED: [503, 'The manifest has expired'],
  MANIFEST_INVALID: [400, 'The manifest is not valid'],
  MANIFEST_ROLLED_BACK: [409, 'The manifest is older than the known one'],
  MEMBERSHIP_FORKED: [409, 'The membership is not one history'],
  NOT_FOUND: [404, 'Not found'],
  OPEN_FAILED: [400, 'The message could not be opened'],
  PACKET_INVALID: [400, 'The packet is not valid'],
  POLICY_REFUSED: [403, 'The policy does not allow it'],
  PROOF_INVALID: [400, 'The proof is not valid'],
  RATE_LIMITED: [429, 'Too many requests'],
  RECORD_INVALID: [400, 'The record is not valid'],
  REPLAYED: [409, 'The request was seen before'],
  RESULT_UNKNOWN: [409, 'The result of the request is not known'],
  SENDER_REVOKED: [409, 'The sending device was revoked'],
  SESSION_UNKNOWN: [404, 'The session is not known'],
  SHARE_SPENT: [410, 'The share has expired or is used up'],
  SIGNATURE_INVALID: [400, 'The signature is not valid'],
  STATE_ROLLED_BACK: [503, 'The state of the server is older than its anchor'],
  STORE_UNAVAILABLE: [503, 'A store of the server cannot be reached'],
  SUITE_REFUSED: [409, 'The profile is not allowed here'],
  UNAUTHENTICATED: [401, 'Sign in first'],
  UNSUPPORTED: [415, 'Not supported'],
  UPLOAD_CONFLICT: [409, 'The upload does not continue where it is'],
  UPSTREAM_FAILED: [502, 'The backend did not answer'],
  UPSTREAM_REFUSED: [403, 'This backend is not configured'],
  WIRE_MALFORMED: [400, 'The message is malformed'],
  WIRE_TOO_LARGE: [413, 'The request is too large'],
}

export interface ProblemOptions {
  readonly detail?: string | undefined
  /** Only where the status of the code does not fit. */
  readonly status?: number
  readonly errors?: Problem['errors']
  /** Further members, as RFC 9457 §3.2 lets a problem have them. */
  readonly members?: Readonly<Record<string, string | number | null>> | undefined
  readonly headers?: Readonly<Record<string, string>>
}

export function problem(code: ProblemCode, options: ProblemOptions = {}): Problem {
  const [status, title] = PROBLEMS[code]
  return {
    type: `urn:keyhaven:error:${code}`,
    code,
    title,
    status: options.status ?? status,
    ...(options.detail === undefined ? {} : { detail: options.detail }),
    ...(options.errors === undefined ? {} : { errors: options.errors }),
    ...options.members,
  }
}

/** An RFC 9457 answer; never cached. */
export function problemResponse(code: ProblemCode, options: ProblemOptions = {}): Response {
  const body = problem(code, options)
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store', ...options.headers },
  })
}

/**
 * What a thrown value is answered with. The message of a {@link KeyhavenError} is written for people and
 * holds nothing secret; that of any other error may, so it stays inside.
 *
 * @param showsFaults - whether the caller may read what is wrong with the server: it can name a file, a
 *   master key's id, a setting.
 */
export function problemOfError(error: unknown, showsFaults = false): Response {
  if (!(error instanceof KeyhavenError)) return problemResponse('INTERNAL')
  const shown = showsFaults || !isFault(error)
  return problemResponse(error.code, { ...(shown && { detail: error.message }), members: membersOf(error) })
}

/** What a refusal of a capability wants said beside its code. */
function membersOf(error: KeyhavenError): ProblemOptions['members'] {
  return (error as { problemMembers?: ProblemOptions['members'] }).problemMembers
}

/** Whether it is answered with a 5xx. */
export function isFault(error: unknown): boolean {
  return !(error instanceof KeyhavenError) || PROBLEMS[error.code][0] >= STATUS_SERVER_ERROR
}
