import { KeyhavenError } from '@keyhaven/crypto'
import type { DeviceState, DeviceStatus } from './user-state.ts'

type Timed = Pick<DeviceState, 'record' | 'revocation'>

/** What a device's newest record and its revocation come to at a time. Of both, a revocation counts first. */
export function deviceStatus(device: Timed, at: number): DeviceStatus {
  if (device.revocation && at >= device.revocation.effective) return 'revoked'
  if (at >= device.record.expires) return 'expired'
  return at < device.record.notBefore ? 'not-yet-valid' : 'valid'
}

/** @throws KeyhavenError `DEVICE_REVOKED`, `KEY_EXPIRED` or `KEY_NOT_YET_VALID` */
export function requireValid(device: Timed, at: number): void {
  const status = deviceStatus(device, at)
  if (status === 'revoked') throw new KeyhavenError('DEVICE_REVOKED', 'the device is revoked')
  if (status === 'expired') throw new KeyhavenError('KEY_EXPIRED', "the device's key has expired: renew it")
  if (status === 'not-yet-valid')
    throw new KeyhavenError('KEY_NOT_YET_VALID', "the device's key is not valid yet")
}
