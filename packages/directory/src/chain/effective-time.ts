import { OBJECTION_PERIOD_SECONDS } from './limits.ts'
import type { EntrySigner, RecoveryState } from './user-state.ts'

/** The recovery key in force: `recovery` of a user's state. */
interface InForce {
  readonly recovery?: RecoveryState | undefined
}

/**
 * What `effective` must say in a revocation: `issued` if the device itself, the authority or a settled
 * recovery key signs, otherwise 24 hours later.
 */
export function revocationEffective(
  { recovery }: InForce,
  { by, device, issued }: { readonly by: EntrySigner; readonly device: string; readonly issued: number },
): number {
  const atOnce =
    by.kind === 'authority' ||
    (by.kind === 'device' && by.device === device) ||
    (by.kind === 'recovery' && recovery !== undefined && issued >= recovery.settled)
  return atOnce ? issued : issued + OBJECTION_PERIOD_SECONDS
}

/**
 * What `effective` must say in a recovery entry: `issued` for the first or where the old recovery key signs,
 * otherwise 24 hours later.
 */
export function recoveryEffective(
  { recovery }: InForce,
  { by, issued }: { readonly by: EntrySigner; readonly issued: number },
): number {
  return by.kind === 'device' && recovery ? issued + OBJECTION_PERIOD_SECONDS : issued
}
