import { KeyhavenError } from '@keyhaven/crypto'
import type { DeviceState, UserState } from '../chain/user-state.ts'
import type { Caller, DirectoryServiceOptions } from './directory-service.ts'
import type { LabelProofs } from './label-proofs.ts'
import type { DirectoryTransaction, LimitedCall } from './ports.ts'
import type { UserStates } from './user-states.ts'

const MILLISECONDS = 1_000

/** What every call of the service works with. */
export interface ServiceContext<Tx extends DirectoryTransaction> extends DirectoryServiceOptions<Tx> {
  readonly states: UserStates
  readonly labels: LabelProofs
}

export function nowSeconds({ clock }: { readonly clock: () => number }): number {
  return Math.floor(clock() / MILLISECONDS)
}

/**
 * @param key - the calling device, not its user: a stolen device must not use up what the user needs to revoke it.
 * @throws KeyhavenError `RATE_LIMITED`
 */
export async function takeTurn(
  { limits }: Pick<DirectoryServiceOptions, 'limits'>,
  call: LimitedCall,
  key: string,
): Promise<void> {
  if (!(await limits.take(call, key))) throw overLimit()
}

export function overLimit(): KeyhavenError {
  return new KeyhavenError('RATE_LIMITED', 'too many calls: wait a while, then try again')
}

/**
 * The caller's device, unrevoked.
 *
 * @throws KeyhavenError `UNAUTHENTICATED` if the user has no such device; `DEVICE_REVOKED`.
 */
export function unrevokedCaller(state: UserState, caller: Caller): DeviceState {
  const device = state.devices.find((candidate) => candidate.device === caller.device)
  if (state.username !== caller.username) throw new TypeError('the state of another user')
  if (!device && state.former.some((candidate) => candidate.device === caller.device))
    throw new KeyhavenError('DEVICE_REVOKED', 'the user was reset: sign up again')
  if (!device) throw new KeyhavenError('UNAUTHENTICATED', 'the device is not known')
  if (device.status === 'revoked') throw new KeyhavenError('DEVICE_REVOKED', 'the device is revoked')
  return device
}

/** Throws as {@link unrevokedCaller}, and `KEY_EXPIRED` or `KEY_NOT_YET_VALID`. */
export function validCaller(state: UserState, caller: Caller): DeviceState {
  const device = unrevokedCaller(state, caller)
  if (device.status === 'expired')
    throw new KeyhavenError('KEY_EXPIRED', "the device's key has expired: renew it")
  return device
}

export function actorOf({ username, device }: Caller): string {
  return `device:${username}/${device}`
}
