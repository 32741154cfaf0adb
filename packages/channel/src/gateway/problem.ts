import { type ErrorCode, utf8 } from '@keyhaven/crypto'
import type { BhttpResponse } from '../wire/bhttp-message.ts'
import { ERROR_FIELD } from '../wire/client-header.ts'
import { formatHttpDate } from '../wire/http-date.ts'
import { DATE_PROBLEM, OHTTP_KEY_PROBLEM, PROBLEM_TYPE, PROBLEM_URN_PREFIX } from '../wire/media-types.ts'
import type { OuterResponse } from './ports.ts'

interface Problem {
  readonly status: number
  readonly title: string
  readonly type?: string
  readonly detail?: string
}

/** Every refusal of the gateway, the same for all reasons in a class (RFC 9457). */
const PROBLEMS = {
  ACCESS_DENIED: { status: 403, title: 'This path cannot be called through the channel' },
  CLOCK_SKEW: { status: 400, title: 'The date of the request is outside the window', type: DATE_PROBLEM },
  INPUT_INVALID: { status: 405, title: 'Only GET and POST are possible here' },
  KEY_REVOKED: {
    status: 401,
    title: 'The key is revoked',
    type: OHTTP_KEY_PROBLEM,
    detail: 'Fetch the manifest again, or update the app.',
  },
  KEY_UNKNOWN: {
    status: 401,
    title: 'The key is not known',
    type: OHTTP_KEY_PROBLEM,
    detail: 'Fetch the manifest again, or update the app.',
  },
  NOT_FOUND: { status: 404, title: 'There is no such application' },
  OPEN_FAILED: { status: 400, title: 'The request cannot be opened' },
  REPLAYED: { status: 409, title: 'The request was received before' },
  STORE_UNAVAILABLE: { status: 503, title: 'The gateway cannot answer now' },
  UNSUPPORTED: {
    status: 415,
    title: 'The media type must be message/ohttp-chunked-req or message/ohttp-req',
  },
  UPSTREAM_FAILED: { status: 500, title: 'The request failed inside the application' },
  WIRE_MALFORMED: { status: 400, title: 'The request inside the seal is malformed' },
  WIRE_TOO_LARGE: { status: 413, title: 'The request is too large' },
} as const satisfies Partial<Record<ErrorCode, Problem>>

export type GatewayErrorCode = keyof typeof PROBLEMS

function problemBody(code: GatewayErrorCode, members?: object): Uint8Array {
  const problem: Problem = PROBLEMS[code]
  const { status, title, type = `${PROBLEM_URN_PREFIX}${code}`, detail } = problem
  return utf8(JSON.stringify({ type, code, title, status, ...(detail && { detail }), ...members }))
}

const unsealed = new Map<GatewayErrorCode, OuterResponse>()

/** A refusal in clear: the same object, so the same bytes, for every reason in its class. */
export function unsealedProblem(code: GatewayErrorCode): OuterResponse {
  let response = unsealed.get(code)
  if (response === undefined) {
    const body = problemBody(code)
    const headers: Record<string, string> = {
      'content-type': PROBLEM_TYPE,
      'content-length': String(body.length),
      'cache-control': 'no-store',
    }
    if (code === 'INPUT_INVALID') headers.allow = 'GET, POST'
    response = { status: PROBLEMS[code].status, headers, body }
    unsealed.set(code, response)
  }
  return response
}

/**
 * A refusal inside the seal.
 *
 * @param now - milliseconds since the epoch; a client sets its clock by it.
 * @param members - further members of the problem's JSON.
 */
export function sealedProblem(code: GatewayErrorCode, now: number, members?: object): BhttpResponse {
  return {
    status: PROBLEMS[code].status,
    headers: [
      ['content-type', PROBLEM_TYPE],
      ['cache-control', 'no-store'],
      ['date', formatHttpDate(now)],
      [ERROR_FIELD, code],
    ],
    body: problemBody(code, members),
  }
}

/** Whether a code is one of the gateway's own refusals. */
export function isGatewayErrorCode(code: string): code is GatewayErrorCode {
  return Object.hasOwn(PROBLEMS, code)
}
