import { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'

/** What a code of the server means to the device that asked. This side's own words: the server's are not trusted. */
const MEANINGS: Partial<Record<ErrorCode, string>> = {
  ACCESS_DENIED: 'not allowed',
  CLOCK_SKEW: "this device's clock is wrong: set it",
  DEVICE_REVOKED: 'this device was revoked, or its owner was reset: it stays out, a new one takes its place',
  HISTORY_UNAVAILABLE: 'nothing of the kind is kept there for this user',
  INPUT_INVALID: 'what was sent is empty or of another form',
  KEY_EXPIRED: 'the record of this device has ended: renew it',
  NOT_FOUND: 'there is nothing to find',
  RATE_LIMITED: 'too many calls: wait a minute',
  STORE_UNAVAILABLE: 'it cannot read or write just now: try again',
  SUITE_REFUSED:
    'it does not take this profile: one goes up, never down, and a legacy one must be allowed there',
  UNAUTHENTICATED: 'it does not know this device, or its sign-up proof does not count',
  WIRE_TOO_LARGE: 'what was sent is too large',
}

/** The same of the directory, which has names and sign-ups. */
const IN_THE_DIRECTORY: typeof MEANINGS = {
  ...MEANINGS,
  ACCESS_DENIED:
    'not allowed; at sign-up: the token is not for this name, used, expired or from before a reset',
  NOT_FOUND: 'there is nobody of this name, or nothing to find; names are compared letter by letter',
}

/**
 * What is missing (`conversation:read`), and why (`joined-later`): nothing that could be shown as the server's
 * own text.
 */
const WORD = /^[a-z][a-z:-]{0,63}$/

/**
 * The error for a code that the server answered.
 *
 * @param who - such as `the directory`
 * @param answer - may say `permission` and `reason`, which are then members of the error.
 */
export function serverRefusal(
  who: string,
  code: ErrorCode,
  { permission, reason }: Readonly<Record<string, unknown>> = {},
): KeyhavenError {
  const meaning = (who === 'the directory' ? IN_THE_DIRECTORY : MEANINGS)[code]
  const message = `${who} answered ${code}${meaning === undefined ? '' : `: ${meaning}`}`
  const detail = { ...(isWord(permission) && { permission }), ...(isWord(reason) && { reason }) }
  return Object.assign(new KeyhavenError(code, message), detail)
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && WORD.test(value)
}
