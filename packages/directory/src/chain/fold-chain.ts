import type { CryptoBackend, VerifyKey } from '@keyhaven/crypto'
import type { UserState } from './user-state.ts'

export interface FoldExpectation {
  readonly application: string
  readonly username: string
  /** The authority's key from the log's leaf 0: signs resets and an operator's revocations. */
  readonly authority: VerifyKey
  /** Seconds since the epoch. */
  readonly now: number
}

/** The state before any entry. */
export declare function emptyState(expected: Omit<FoldExpectation, 'authority'>): UserState

/** All entries of a user from the first one on. */
export declare function foldChain(
  backend: CryptoBackend,
  entries: readonly string[],
  expected: FoldExpectation,
): Promise<UserState>

/** New entries on top of a state that was folded before: what is in it is not verified again. */
export declare function extendChain(
  backend: CryptoBackend,
  state: UserState,
  entries: readonly string[],
  expected: Pick<FoldExpectation, 'authority' | 'now'>,
): Promise<UserState>

/** The same chain, seen at another time. */
export declare function stateAt(state: UserState, now: number): UserState
