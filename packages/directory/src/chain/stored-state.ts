import { KeyhavenError } from '@keyhaven/crypto'
import { isHash } from './names.ts'
import type { UserState } from './user-state.ts'

const STORED_VERSION = 1

/** A state as text, for a client's own store. Nobody else's text is a state: fold the entries instead. */
export function encodeUserState(state: UserState): string {
  return JSON.stringify({ v: STORED_VERSION, state })
}

/**
 * @throws KeyhavenError `RECORD_INVALID` if it is of another version, application or user, or damaged: fold
 * the whole chain again then.
 */
export function decodeUserState(
  text: string,
  expected: { readonly application: string; readonly username: string },
): UserState {
  let stored: { readonly v?: unknown; readonly state?: Partial<UserState> } | null
  try {
    stored = JSON.parse(text)
  } catch {
    throw invalid()
  }
  const state = stored?.v === STORED_VERSION ? stored.state : undefined
  const { application, username } = expected
  if (!state || state.application !== application || state.username !== username) throw invalid()
  const { chain, sequence, head, issued, at, devices, former, recoveryKeys, usedKeys, history } = state
  const numbers = [chain, sequence, issued, at].every((number) => Number.isSafeInteger(number))
  const lists = [devices, former, usedKeys, history].every((list) => Array.isArray(list))
  const headed = sequence === -1 ? head === null : typeof head === 'string' && isHash(head)
  const complete = history?.length === (sequence ?? 0) + 1
  if (!numbers || !lists || !headed || !complete || typeof recoveryKeys !== 'object') throw invalid()
  return state as UserState
}

function invalid(): KeyhavenError {
  return new KeyhavenError('RECORD_INVALID', 'not the stored state of this user')
}
