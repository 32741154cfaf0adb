import { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'

const ADVICE: Partial<Record<ErrorCode, string>> = {
  ACCESS_DENIED: 'ask an owner or admin of the conversation',
  CHAIN_BROKEN: 'do not send, and tell your operator: a history that was signed does not hold',
  CHAIN_RESET:
    'the user lost all devices: ask the person, then an owner (for members also an admin) calls acceptChain',
  CONFLICT: 'others changed the conversation again and again: try again',
  DEVICE_REVOKED: 'enrol this device anew',
  DIRECTORY_STALE: 'try again; if it stays so, tell your operator: the server hides what it has shown before',
  DUPLICATE: 'it was read here before: pass archive: true to read the same packet again',
  GATEWAY_UNAVAILABLE: 'check the network, then try again',
  KEY_PENDING: 'the key was asked for: open it again when another device of a member has been online',
  LAST_HOLDER: 'wait until another device of a member has fetched the keys, or pass acceptLoss: true',
  LOG_INCONSISTENT: 'stop, and tell your operator: something that was in the log is not, or is another',
  MEMBERSHIP_FORKED:
    'do not send: compare conversation.head with another member; refresh({ afterFork: true }) checks ' +
    'everything again, and if that does not help, create a new conversation and tell your operator',
  NOT_FOUND: 'check the id; whoever is no member learns nothing of a conversation',
  OPEN_FAILED: 'the packet was changed under way, or is of another key: ask the sender to send it again',
  PROOF_INVALID: 'stop, and tell your operator: the server did not prove what it says',
  RECORD_INVALID: 'do not rely on it, and tell your operator',
  SENDER_REVOKED: 'do not trust this message: the device that sent it was revoked',
  SIGNATURE_INVALID: 'do not rely on it: it is not from whom it names',
  SUITE_REFUSED: 'the device has a profile that takes no part here: its owner renews to a newer one',
}

/** What the server's reason means, and where no advice follows from the code, what to do. */
const REASONS: Readonly<Record<string, string>> = {
  'device-joined-later': 'this is older than your device, and the history rule does not show it',
  erased: 'the retention rule has erased it',
  'joined-later': 'this is older than your membership, and the history rule does not show it',
  'not-a-member': 'you are no member of this conversation',
  quota:
    'the files of this conversation have no room for it: delete some, or ask the operator for a larger quota',
  removed: 'this was made after you had been removed',
  reset: 'you started anew, and your new chain is not accepted here yet',
  role: 'your role does not allow it',
  'store-full': 'the server has no room left: the upload goes on where it is once the operator has made some',
  suite: 'your device has a legacy profile: renew it to a newer one',
  'unfinished-uploads': 'you have begun too many uploads: finish one, or discard it',
}

/** How a call fails on the way: it may have been carried out. */
const ON_THE_WAY: readonly ErrorCode[] = ['GATEWAY_REFUSED', 'GATEWAY_UNAVAILABLE', 'RESULT_UNKNOWN']

/** What a server answers beside a code, to somebody who is or was a member. */
export interface AccessDetail {
  readonly permission?: string
  /** `removed`, `joined-later`, `device-joined-later`, `reset`, `role`, …; of files `quota`, `store-full`, … */
  readonly reason?: string
}

/** A failure in a conversation: `code` for programs; the message says what happened and what to do. */
export class ConversationError extends KeyhavenError implements AccessDetail {
  readonly permission?: string
  readonly reason?: string

  constructor(code: ErrorCode, what: string, { permission, reason, ...options }: ErrorDetail = {}) {
    const advice = ADVICE[code]
    super(code, advice === undefined ? what : `${what}: ${advice}`, options)
    this.name = 'ConversationError'
    if (permission !== undefined) this.permission = permission
    if (reason !== undefined) this.reason = reason
  }
}

type ErrorDetail = AccessDetail & { readonly cause?: unknown }

/** What to do about a code, in a sentence. */
export function adviceFor(code: ErrorCode): string {
  return ADVICE[code] ?? 'try again; if it stays so, tell your operator'
}

/** Says what to do about an error of a part that does not know conversations. */
export function advised(error: unknown): unknown {
  if (!(error instanceof KeyhavenError) || error instanceof ConversationError) return error
  const { permission, reason } = error as KeyhavenError & AccessDetail
  const why = reason !== undefined && Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined
  if (ADVICE[error.code] === undefined && why === undefined) return error
  const detail = { ...(permission !== undefined && { permission }), ...(reason !== undefined && { reason }) }
  return new ConversationError(error.code, why ?? error.message, { ...detail, cause: error })
}

/** Runs, and throws what {@link advised} makes of a failure. */
export async function withAdvice<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw advised(error)
  }
}

/** No answer came, as without a network: not what somebody was caught at. */
export function isOnTheWay(error: unknown): boolean {
  return hasCode(error, ...ON_THE_WAY)
}

/** Beside that: the server may have carried it out, and failed at what comes after. */
export function mayBeDone(error: unknown): boolean {
  return isOnTheWay(error) || hasCode(error, 'STORE_UNAVAILABLE')
}

export function hasCode(error: unknown, ...codes: readonly ErrorCode[]): error is KeyhavenError {
  return error instanceof KeyhavenError && codes.includes(error.code)
}

/** What is in a record, an answer or a key does not fit what it must be. */
export function invalidRecord(what: string): ConversationError {
  return new ConversationError('RECORD_INVALID', what)
}
