import { KeyhavenError } from '@keyhaven/crypto'
import type { ReadRefusal } from '../membership/read-permission.ts'
import type { Permission } from '../membership/rights.ts'

/** Why somebody who is or was a member does not get what he asks for. */
export type AccessReason = Exclude<ReadRefusal, 'stranger'> | 'not-a-member' | 'role' | 'erased' | 'mode'

/** `ACCESS_DENIED` for who is or was a member: says what is missing, and why. Goes to nobody else. */
export class AccessRefused extends KeyhavenError {
  readonly permission: Permission
  readonly reason: AccessReason

  constructor(permission: Permission, reason: AccessReason, message: string = TEXTS[reason]) {
    super('ACCESS_DENIED', message)
    this.permission = permission
    this.reason = reason
  }

  /** What the problem document says beside the code. */
  get problemMembers(): Readonly<Record<string, string>> {
    return { permission: this.permission, reason: this.reason }
  }
}

/** Why an operator does not get what he asks for, beside a role that is missing. */
export type OperatorReason =
  | 'sealed'
  | 'own-request'
  | 'one-person'
  | 'not-approved'
  | 'not-its-operator'
  | 'approved-already'
  | 'fetched-already'

/** `ACCESS_DENIED`, or `CONFLICT` for what was done already, with a reason that a program can tell apart. */
export class OperatorRefused extends KeyhavenError {
  readonly reason: OperatorReason

  constructor(reason: OperatorReason, message: string) {
    super(reason.endsWith('-already') ? 'CONFLICT' : 'ACCESS_DENIED', message)
    this.reason = reason
  }

  /** What the problem document says beside the code. */
  get problemMembers(): Readonly<Record<string, string>> {
    return { reason: this.reason }
  }
}

/** Somebody else was first: `CONFLICT` with where the conversation is now. */
export class MembershipConflict extends KeyhavenError {
  readonly sequence: number
  /** Of the newest entry, base64url; null where there is none. */
  readonly head: string | null

  constructor(sequence: number, head: string | null) {
    super('CONFLICT', 'the membership has moved on: fetch it, and sign on top of its newest entry')
    this.sequence = sequence
    this.head = head
  }

  /** What the problem document says beside the code. */
  get problemMembers(): Readonly<Record<string, string | number | null>> {
    return { sequence: this.sequence, head: this.head }
  }
}

/** The one answer to a stranger, whatever there is. */
export function unknownHere(): KeyhavenError {
  return new KeyhavenError('NOT_FOUND', 'there is no such conversation, key or file')
}

const TEXTS: Readonly<Record<AccessReason, string>> = {
  reset: 'your chain was reset: an owner (an admin for members and readers) accepts the new one first',
  suite: 'a device of the legacy profile gets no sealed key',
  removed: 'it was made after you were removed',
  'joined-later': 'it was made before you joined, and the history rule does not allow it',
  'device-joined-later': 'it was made before this device came, and the history rule does not allow it',
  'not-a-member': 'you are no member any more',
  role: 'your role does not allow it',
  erased: 'it was erased by the retention rule',
  mode: 'the conversation is in the other mode',
}
