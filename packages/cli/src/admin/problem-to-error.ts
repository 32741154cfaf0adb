import type { ErrorCode } from '@keyhaven/crypto'
import { ADVICE } from '../advice.ts'
import { CommandError } from '../command-error.ts'
import { REFUSAL_ADVICE } from './refusal-advice.ts'

const CODES_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'ACCESS_DENIED',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  413: 'WIRE_TOO_LARGE',
  429: 'RATE_LIMITED',
  503: 'STORE_UNAVAILABLE',
}

/**
 * Reads an RFC 9457 problem: `code`, and where there is one `reason`, name the error; `detail` and `errors`
 * say how to mend it.
 */
export function problemToError(status: number, value: unknown, origin: string): CommandError {
  const problem = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const { code } = problem
  if (code === 'INTERNAL') {
    return new CommandError(
      'INTERNAL',
      `the server at ${origin} failed`,
      "Look into the server's log for the reason.",
    )
  }
  const known = typeof code === 'string' && code in ADVICE ? (code as ErrorCode) : CODES_BY_STATUS[status]
  if (known === undefined) return notKeyhaven(origin, `status ${status}`)
  const title = typeof problem.title === 'string' ? problem.title : `the server answered ${status}`
  // The server's `detail` names the refused fields already.
  const detail = typeof problem.detail === 'string' ? [problem.detail] : fieldErrors(problem.errors)
  return new CommandError(known, [...new Set([title, ...detail])].join(': '), adviceOf(known, problem.reason))
}

function adviceOf(code: ErrorCode, reason: unknown): string {
  const known = typeof reason === 'string' && Object.hasOwn(REFUSAL_ADVICE, reason)
  return known ? REFUSAL_ADVICE[reason]! : ADVICE[code]
}

/** Which fields of the request were refused, and why. */
function fieldErrors(errors: unknown): string[] {
  if (!Array.isArray(errors)) return []
  const lines = errors.map((error: { path?: unknown; message?: unknown }) => `${error.path} ${error.message}`)
  return lines.length === 0 ? [] : [lines.join('; ')]
}

/** For an answer that is none of the admin API's. */
export function notKeyhaven(origin: string, what: string): CommandError {
  return new CommandError(
    'GATEWAY_REFUSED',
    `${origin} does not answer like the admin API of a Keyhaven server (${what})`,
    'Check --server: the admin API has an address of its own, http://127.0.0.1:8788 by default.',
  )
}
