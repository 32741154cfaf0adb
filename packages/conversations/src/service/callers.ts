import { KeyhavenError } from '@keyhaven/crypto'
import type { ConversationReads } from './ports.ts'
import type { Caller, StoredDeviceFacts } from './stored-rows.ts'

/**
 * The device's signature was verified before the transaction; whether it still counts, the transaction says.
 *
 * @param now - seconds.
 * @throws KeyhavenError `UNAUTHENTICATED`, `DEVICE_REVOKED`, `KEY_EXPIRED`
 */
export function requireLive(
  caller: Caller,
  device: StoredDeviceFacts | undefined,
  now: number,
): StoredDeviceFacts {
  if (device === undefined || device.username !== caller.username) {
    throw new KeyhavenError('UNAUTHENTICATED', 'the device is not known')
  }
  if (device.endedAt !== null && device.endedAt <= now) {
    throw new KeyhavenError('DEVICE_REVOKED', 'the device is revoked')
  }
  if (device.expires <= now) throw new KeyhavenError('KEY_EXPIRED', "the device's key has expired: renew it")
  return device
}

/** Throws as {@link requireLive}. */
export async function liveDevice(
  reads: ConversationReads,
  application: string,
  caller: Caller,
  now: number,
): Promise<StoredDeviceFacts> {
  return requireLive(caller, await reads.findDevice(application, caller.device), now)
}

export function actorOf({ username, device }: Caller): string {
  return `device:${username}/${device}`
}
