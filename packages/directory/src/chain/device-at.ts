import { KeyhavenError } from '@keyhaven/crypto'
import { MAX_CLOCK_DIFFERENCE_SECONDS } from './limits.ts'
import type { DeviceState, DeviceStatus } from './user-state.ts'

type Timed = Pick<DeviceState, 'record' | 'revocation'>

/**
 * What a device's newest record and its revocation come to at a time. Of both, a revocation counts first. A
 * record begins by its device's clock, so it is not turned away for as much as clocks may differ.
 */
export function deviceStatus(device: Timed, at: number): DeviceStatus {
  if (isRevoked(device, at)) return 'revoked'
  if (at >= device.record.expires) return 'expired'
  return at < device.record.notBefore - MAX_CLOCK_DIFFERENCE_SECONDS ? 'not-yet-valid' : 'valid'
}

/** One that is in force at once is so for every clock, also where that of its signer is ahead. */
export function isRevoked({ revocation }: Pick<Timed, 'revocation'>, at: number): boolean {
  return (
    revocation !== undefined && (revocation.effective === revocation.issued || at >= revocation.effective)
  )
}

/** @throws KeyhavenError `DEVICE_REVOKED`, `KEY_EXPIRED` or `KEY_NOT_YET_VALID` */
export function requireValid(device: Timed, at: number): void {
  const status = deviceStatus(device, at)
  if (status === 'revoked') throw new KeyhavenError('DEVICE_REVOKED', 'the device is revoked')
  if (status === 'expired') throw new KeyhavenError('KEY_EXPIRED', "the device's key has expired: renew it")
  if (status === 'not-yet-valid')
    throw new KeyhavenError('KEY_NOT_YET_VALID', "the device's key is not valid yet")
}
