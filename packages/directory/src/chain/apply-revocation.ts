import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import { checkSignature } from './chain-jws.ts'
import { deviceStatus } from './device-at.ts'
import { revocationEffective } from './effective-time.ts'
import type { DecodedEntry, ObjectionEntry, RevocationEntry } from './entry.ts'
import {
  type EntryTime,
  type ResolvedSigner,
  requireFullSay,
  requireInForce,
  requireUsable,
  signerName,
} from './entry-authority.ts'
import { breaks, type Ledger, type LedgerDevice } from './ledger.ts'
import type { EntrySigner } from './user-state.ts'

/** Revokes a device, at once or from 24 hours later. Throws as `extendChain`. */
export async function applyRevocation(
  backend: CryptoBackend,
  ledger: Ledger,
  { entry, jws }: DecodedEntry & { readonly entry: RevocationEntry },
  context: { readonly hash: string; readonly signer: ResolvedSigner; readonly time: EntryTime },
): Promise<EntrySigner> {
  const { signer, time } = context
  const target = ledger.devices.get(entry.device)
  if (!target) return breaks('a revocation of a device that is not in the chain')
  if (deviceStatus(target, time.at) === 'revoked')
    throw new KeyhavenError('DEVICE_REVOKED', 'the device is revoked already')
  const own = signer.kind === 'device' && signer.state === target
  if (own) requireInForce(target, time)
  else if (signer.kind === 'device') requireFullSay(signer.state, time)
  const { issued, effective, sequence, reason } = entry
  const by = signerName(signer)
  const recovery = signer.kind === 'recovery' ? signer.state : undefined
  if (effective !== revocationEffective({ recovery }, { by, device: target.device, issued }))
    breaks('a revocation takes effect at once or after 24 hours, as its signer may')
  const delayed = effective !== issued
  if (delayed && target.revocation) breaks('a revocation is pending already')
  await checkSignature(backend, signer, jws)
  ledger.devices.set(target.device, {
    ...target,
    revocation: { entry: context.hash, sequence, by, reason, issued, effective },
  })
  if (!delayed && !own) voidPendingOf({ kind: 'device', device: target.device }, ledger, time.issued)
  return by
}

/** Voids what is pending: a revocation, or a recovery key. Throws as `extendChain`. */
export async function applyObjection(
  backend: CryptoBackend,
  ledger: Ledger,
  { entry, jws }: DecodedEntry & { readonly entry: ObjectionEntry },
  { signer, time }: { readonly signer: ResolvedSigner; readonly time: EntryTime },
): Promise<EntrySigner> {
  if (signer.kind !== 'device') return breaks('only a device of the user objects')
  requireUsable(signer.state, time)
  const voids = pending(ledger, entry.revocation, time.at)
  if (!voids) return breaks('nothing is pending that this could void')
  await checkSignature(backend, signer, jws)
  voids()
  return signerName(signer)
}

/** @returns what takes back the pending entry with this hash. */
function pending(ledger: Ledger, hash: string, at: number): (() => void) | undefined {
  const { recovery, nextRecovery } = ledger
  if (nextRecovery?.entry === hash && at < nextRecovery.effective) {
    return () => {
      ledger.nextRecovery = undefined
    }
  }
  if (!nextRecovery && recovery?.entry === hash && at < recovery.settled) {
    return () => {
      ledger.recovery = undefined
      voidPendingOf({ kind: 'recovery' }, ledger, at)
    }
  }
  const device = [...ledger.devices.values()].find(({ revocation }) => revocation?.entry === hash)
  if (!device?.revocation || at >= device.revocation.effective) return undefined
  return () => clearRevocation(ledger, device)
}

/**
 * What somebody began and somebody else then ended loses its effect, so that a stolen device leaves no traps.
 */
function voidPendingOf(by: EntrySigner, ledger: Ledger, at: number): void {
  for (const device of ledger.devices.values()) {
    const { revocation } = device
    if (revocation && at < revocation.effective && isSame(revocation.by, by)) clearRevocation(ledger, device)
  }
  const { recovery, nextRecovery } = ledger
  if (nextRecovery && at < nextRecovery.effective && isSame(nextRecovery.by, by))
    ledger.nextRecovery = undefined
  if (!ledger.nextRecovery && recovery && at < recovery.settled && isSame(recovery.by, by)) {
    ledger.recovery = undefined
    voidPendingOf({ kind: 'recovery' }, ledger, at)
  }
}

function clearRevocation(ledger: Ledger, { revocation: _, ...device }: LedgerDevice): void {
  ledger.devices.set(device.device, device)
}

function isSame(one: EntrySigner, other: EntrySigner): boolean {
  if (one.kind !== 'device' || other.kind !== 'device') return one.kind === other.kind
  return one.device === other.device
}
