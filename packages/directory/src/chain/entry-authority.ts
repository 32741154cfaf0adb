import { type Jwk, KeyhavenError, type VerifyKey } from '@keyhaven/crypto'
import { requireValid } from './device-at.ts'
import { breaks, type Ledger, type LedgerDevice, recoveryAt } from './ledger.ts'
import { type ChainAlgorithm, profileOf } from './profile.ts'
import type { EntrySigner, RecoveryState } from './user-state.ts'

/**
 * When an entry counts. Both are the same where a chain is read; the authority also looks at its own clock.
 */
export interface EntryTime {
  readonly issued: number
  /** `issued` or later: expiry, revocation and the time to object are measured here. */
  readonly at: number
}

export interface AuthorityKey {
  readonly key: VerifyKey
  readonly thumbprint: string
}

/** Who signed, with the key to check it by. */
export type ResolvedSigner = { readonly algorithm: ChainAlgorithm; readonly jwk: Jwk } & (
  | { readonly kind: 'device'; readonly state: LedgerDevice }
  | { readonly kind: 'recovery'; readonly state: RecoveryState }
  | { readonly kind: 'authority' }
)

/**
 * Finds whose newest key a thumbprint names. Keys that were renewed, of ended chains or of a replaced
 * recovery are nobody's.
 *
 * @throws KeyhavenError `CHAIN_BROKEN`
 */
export function resolveSigner(
  ledger: Ledger,
  kid: string,
  authority: AuthorityKey,
  time: EntryTime,
): ResolvedSigner {
  if (kid === authority.thumbprint) return { kind: 'authority', algorithm: 'EdDSA', jwk: authority.key.jwk }
  const recovery = recoveryAt(ledger, time.at)
  if (recovery?.signingThumbprint === kid)
    return { kind: 'recovery', state: recovery, algorithm: 'EdDSA', jwk: recovery.signingKey }
  for (const state of ledger.devices.values()) {
    const { record } = state
    if (record.signingThumbprint === kid) {
      const { algorithm } = profileOf(record.profile)
      return { kind: 'device', state, algorithm, jwk: record.signingKey }
    }
  }
  return breaks('signed by a key that has no say in this chain')
}

/**
 * A device that decides over more than itself: valid, and not legacy. One whose own revocation is pending
 * must object to it first, so that a stolen device cannot use the 24 hours to bring in others.
 *
 * @throws KeyhavenError `DEVICE_REVOKED`, `KEY_EXPIRED`, `KEY_NOT_YET_VALID`, `SUITE_REFUSED`
 */
export function requireFullSay(device: LedgerDevice, time: EntryTime): void {
  requireUsable(device, time)
  if (device.revocation)
    throw new KeyhavenError('DEVICE_REVOKED', "the device's revocation is pending: object to it first")
}

/** A valid device that is not legacy: all that an objection needs. Throws as {@link requireFullSay}. */
export function requireUsable(device: LedgerDevice, time: EntryTime): void {
  requireInForce(device, time)
  if (profileOf(device.record.profile).legacy)
    throw new KeyhavenError(
      'SUITE_REFUSED',
      'a legacy key decides nothing but its own renewal and revocation',
    )
}

/** @throws KeyhavenError `DEVICE_REVOKED`, `KEY_EXPIRED`, `KEY_NOT_YET_VALID` */
export function requireInForce(device: LedgerDevice, { issued, at }: EntryTime): void {
  requireValid(device, at)
  requireValid(device, issued)
}

export function signerName(signer: ResolvedSigner): EntrySigner {
  return signer.kind === 'device' ? { kind: 'device', device: signer.state.device } : { kind: signer.kind }
}
