import { type CryptoBackend, type Jwk, jwkThumbprint, KeyhavenError } from '@keyhaven/crypto'
import { checkSignature } from './chain-jws.ts'
import { recoveryEffective } from './effective-time.ts'
import type { DecodedEntry, RecoveryEntry } from './entry.ts'
import { type EntryTime, type ResolvedSigner, requireFullSay, signerName } from './entry-authority.ts'
import { breaks, type Ledger, liveDevices, recoveryAt } from './ledger.ts'
import { OBJECTION_PERIOD_SECONDS } from './limits.ts'
import { profileOf } from './profile.ts'
import { checkBackupJwk, checkEd25519Jwk } from './profile-keys.ts'
import type { EntrySigner, RecoveryState } from './user-state.ts'

/** Sets or replaces the recovery key. Throws as `extendChain`. */
export async function applyRecovery(
  backend: CryptoBackend,
  ledger: Ledger,
  { entry, jws }: DecodedEntry & { readonly entry: RecoveryEntry },
  context: { readonly hash: string; readonly signer: ResolvedSigner; readonly time: EntryTime },
): Promise<EntrySigner> {
  const { signer, time } = context
  checkEd25519Jwk(entry.signingKey)
  checkBackupJwk(entry.backupKey)
  const signing = await freshThumbprint(backend, ledger, entry.signingKey)
  const backup = await freshThumbprint(backend, ledger, entry.backupKey)
  const contestable = isContestable(ledger, signer, time)
  const inForce = recoveryAt(ledger, time.issued)
  if (
    entry.effective !==
    recoveryEffective({ recovery: inForce }, { by: signerName(signer), issued: entry.issued })
  )
    breaks('a recovery key takes effect at once or after 24 hours, as its signer may')
  await checkSignature(backend, signer, jws)
  const { signingKey, backupKey, issued, effective } = entry
  const state: RecoveryState = {
    entry: context.hash,
    signingKey,
    signingThumbprint: signing,
    backupKey,
    by: signerName(signer),
    issued,
    effective,
    settled: contestable ? issued + OBJECTION_PERIOD_SECONDS : effective,
  }
  ledger.recovery = effective > issued ? inForce : state
  ledger.nextRecovery = effective > issued ? state : undefined
  ledger.usedKeys.add(signing).add(backup)
  return state.by
}

/**
 * Checks that the signer may set the key now.
 *
 * @returns whether it is in force at once, yet other devices have 24 hours to object.
 */
function isContestable(ledger: Ledger, signer: ResolvedSigner, time: EntryTime): boolean {
  if (signer.kind === 'authority') return breaks('the authority sets no recovery key')
  if (signer.kind === 'recovery') {
    if (time.issued < signer.state.settled)
      breaks('a recovery key replaces itself once nobody can object to it')
    return false
  }
  requireFullSay(signer.state, time)
  const { nextRecovery } = ledger
  const inForce = recoveryAt(ledger, time.at)
  if (nextRecovery && nextRecovery !== inForce) breaks('another recovery key is pending: object to it first')
  if (inForce && time.at < inForce.settled) breaks('the recovery key is too new: object to it first')
  if (inForce) return false
  return liveDevices(ledger, time.at).some(
    (device) => device !== signer.state && !profileOf(device.record.profile).legacy,
  )
}

async function freshThumbprint(backend: CryptoBackend, ledger: Ledger, jwk: Jwk): Promise<string> {
  const thumbprint = await jwkThumbprint(backend, jwk)
  if (ledger.usedKeys.has(thumbprint))
    throw new KeyhavenError('RECORD_INVALID', 'a key that the chain has had before')
  return thumbprint
}
