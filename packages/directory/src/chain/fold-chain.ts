import { type CryptoBackend, jwkThumbprint, KeyhavenError, type VerifyKey } from '@keyhaven/crypto'
import { applyEntry } from './apply-entry.ts'
import { closeLedger, openLedger } from './ledger.ts'
import { MAX_CHAIN_ENTRIES } from './limits.ts'
import type { UserState } from './user-state.ts'

export interface FoldExpectation {
  readonly application: string
  readonly username: string
  /** The authority's key from the log's leaf 0, Ed25519: signs resets and an operator's revocations. */
  readonly authority: VerifyKey
  /** Seconds since the epoch. */
  readonly now: number
}

export interface ExtendExpectation extends Pick<FoldExpectation, 'authority' | 'now'> {
  /**
   * For the authority, while it decides on one new entry: its clock, in seconds. Expiry, revocation and the
   * time to object are then measured at the later of it and `issued`. Readers leave it out.
   */
  readonly acceptedAt?: number
}

/** The state before any entry. */
export function emptyState({
  application,
  username,
  now,
}: Pick<FoldExpectation, 'application' | 'username' | 'now'>): UserState {
  return {
    application,
    username,
    chain: -1,
    sequence: -1,
    head: null,
    issued: 0,
    at: now,
    devices: [],
    former: [],
    recoveryKeys: {},
    usedKeys: [],
    history: [],
  }
}

/**
 * Verifies all entries of a user from the first one on. Server and client decide with this one function.
 *
 * @throws KeyhavenError `CHAIN_BROKEN` on a missing link, a wrong order, a signer without authority or a rule
 * of the chain not kept; `RECORD_INVALID` on an entry that is malformed, wrongly signed or of another
 * application or user; `SUITE_REFUSED`, `DEVICE_REVOKED`, `KEY_EXPIRED`, `KEY_NOT_YET_VALID` of the signer at
 * the time of the entry; `WIRE_TOO_LARGE`.
 */
export function foldChain(
  backend: CryptoBackend,
  entries: readonly string[],
  expected: FoldExpectation,
): Promise<UserState> {
  return extendChain(backend, emptyState(expected), entries, expected)
}

/**
 * Verifies new entries on top of a state: what is in it is not verified again. Throws as {@link foldChain}.
 */
export async function extendChain(
  backend: CryptoBackend,
  state: UserState,
  entries: readonly string[],
  { authority, now, acceptedAt }: ExtendExpectation,
): Promise<UserState> {
  if (entries.length === 0) return stateAt(state, now)
  if (state.sequence + 1 + entries.length > MAX_CHAIN_ENTRIES)
    throw new KeyhavenError('WIRE_TOO_LARGE', `a chain has at most ${MAX_CHAIN_ENTRIES} entries`)
  const context = {
    authority: { key: authority, thumbprint: await jwkThumbprint(backend, authority.jwk) },
    acceptedAt,
  }
  const ledger = openLedger(state)
  for (const entry of entries) await applyEntry(backend, ledger, entry, context)
  return closeLedger(ledger, now)
}

/** The same chain, seen at another time. */
export function stateAt(state: UserState, now: number): UserState {
  return closeLedger(openLedger(state), now)
}

/**
 * For whoever knew an earlier state of the user.
 *
 * @throws KeyhavenError `CHAIN_RESET` if the authority has reset the user since: the devices are new, and
 * nothing shows that the same person holds them.
 */
export function requireSameChain(known: Pick<UserState, 'chain'>, state: Pick<UserState, 'chain'>): void {
  if (known.chain !== state.chain)
    throw new KeyhavenError('CHAIN_RESET', 'the user was reset: accept or verify the new chain first')
}
