import { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'
import { serverRefusal } from '@keyhaven/directory'
import { malformed, requireHash, requireUsername, requireWhole } from '@keyhaven/messaging'
import { MAX_KEYS_PER_CALL } from '../key/limits.ts'
import { requireId } from '../membership/ids.ts'
import { MAX_MEMBERSHIP_ENTRIES, MAX_TIME_SECONDS } from '../membership/limits.ts'
import type { RotationReason } from '../membership/rotation-due.ts'
import { type Mode, type Role, readMode, readRole } from '../membership/rules.ts'
import { type Commitment, readCommitment } from '../receipt/commitment.ts'

/**
 * What the key server answers around what is signed or committed to. None of it is believed further than
 * that: members that are not known here are passed over.
 */
type Answer = Readonly<Record<string, unknown>>

const REASONS: readonly RotationReason[] = ['membership', 'device', 'age', 'messages', 'rule']
const MAX_ITEMS = 10_000
const MAX_CURSOR_CHARACTERS = 1_024
/** What one key of many may be refused with. Codes about proofs are this side's own to give. */
const KEY_REFUSALS: readonly ErrorCode[] = [
  'ACCESS_DENIED',
  'DEVICE_REVOKED',
  'KEY_EXPIRED',
  'KEY_PENDING',
  'NOT_FOUND',
  'UNAUTHENTICATED',
]

/** A checkpoint, and proofs that leaves are in the log at its size. */
export interface LogAnswer {
  readonly checkpoint: string
  readonly proofs: Readonly<Record<string, unknown>>
}

/** One page of a conversation's membership. */
export interface MembershipAnswer extends LogAnswer {
  readonly entries: ReadonlyArray<{ readonly entry: string; readonly commitment: Commitment }>
  readonly sequence: number
  readonly head: string
  readonly currentKey: string | null
  readonly rotationDue: RotationReason | null
  /** Whether there are more pages. */
  readonly more: boolean
}

export function readMembershipAnswer(answer: Answer): MembershipAnswer {
  const { currentKey, rotationDue, nextAfter } = answer
  return {
    ...readLogAnswer(answer),
    entries: readItems(answer.entries, 'entries').map((item) => {
      if (typeof item.entry !== 'string') throw malformed('entry')
      return { entry: item.entry, commitment: readCommitment(item.commitment) }
    }),
    sequence: requireWhole(answer.sequence, MAX_MEMBERSHIP_ENTRIES - 1, 'sequence'),
    head: requireHash(answer.head, 'head'),
    currentKey: isNone(currentKey) ? null : requireId(currentKey, 'current key'),
    // An unknown reason is one, too.
    rotationDue: isNone(rotationDue) ? null : (REASONS.find((name) => name === rotationDue) ?? 'rule'),
    more: !isNone(nextAfter),
  }
}

export interface ReceiptsAnswer extends LogAnswer {
  readonly items: ReadonlyArray<{ readonly receipt: unknown; readonly commitment: Commitment }>
}

export function readReceiptsAnswer(answer: Answer): ReceiptsAnswer {
  const items = readItems(answer.items, 'receipts')
  return {
    ...readLogAnswer(answer),
    items: items.map(({ receipt, commitment }) => ({ receipt, commitment: readCommitment(commitment) })),
  }
}

export interface ListedConversation {
  readonly conversation: string
  readonly mode: Mode
  readonly role: Role | null
  /** Seconds since the epoch. */
  readonly changedAt: number
}

export function readListed(item: Answer): ListedConversation {
  return {
    conversation: requireId(item.conversation, 'conversation'),
    mode: readMode(item.mode),
    role: item.role === null ? null : readRole(item.role),
    changedAt: requireWhole(item.changedAt, MAX_TIME_SECONDS, 'changedAt'),
  }
}

export interface AskedKey {
  readonly conversation: string
  readonly key: string
  readonly username: string
  readonly device: string
}

export function readAsked(item: Answer): AskedKey {
  return {
    conversation: requireId(item.conversation, 'conversation'),
    key: requireId(item.key, 'key'),
    username: requireUsername(item.username),
    device: requireId(item.device, 'device'),
  }
}

/** What `POST /v1/keys` answers: key objects that nobody has looked at, and refusals, by the keys' ids. */
export function readKeysAnswer(answer: Answer): {
  readonly keys: ReadonlyMap<unknown, Answer>
  readonly refused: ReadonlyMap<unknown, KeyhavenError>
} {
  const keys = readItems(answer.keys, 'keys', MAX_KEYS_PER_CALL)
  const refused = readItems(answer.refused, 'refused', MAX_KEYS_PER_CALL)
  return {
    keys: new Map(keys.map((key) => [key.id, key])),
    refused: new Map(refused.map((refusal) => [refusal.id, readRefusal(refusal)])),
  }
}

function readRefusal(refusal: Answer): KeyhavenError {
  const code = KEY_REFUSALS.find((name) => name === refusal.code)
  if (!code) throw malformed('refusal')
  return serverRefusal('the server', code, refusal)
}

/** Items of a page, and where the next one begins. */
export function readPage(answer: Answer): { readonly items: readonly Answer[]; readonly next?: string } {
  const { nextCursor } = answer
  const items = readItems(answer.items, 'items')
  if (isNone(nextCursor)) return { items }
  if (typeof nextCursor !== 'string' || nextCursor.length > MAX_CURSOR_CHARACTERS) throw malformed('cursor')
  return { items, next: nextCursor }
}

function readLogAnswer({ checkpoint, proofs }: Answer): LogAnswer {
  if (typeof checkpoint !== 'string' || typeof proofs !== 'object' || proofs === null) {
    throw new KeyhavenError('PROOF_INVALID', 'the server gave no proof that this is in the log')
  }
  return { checkpoint, proofs: proofs as Record<string, unknown> }
}

function readItems(value: unknown, what: string, maxItems = MAX_ITEMS): Answer[] {
  if (!Array.isArray(value) || value.length > maxItems) throw malformed(what)
  if (value.some((item) => typeof item !== 'object' || item === null)) throw malformed(what)
  return value as Answer[]
}

function isNone(value: unknown): value is null | undefined {
  return value === null || value === undefined
}
