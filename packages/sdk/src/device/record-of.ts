import type { Jwk } from '@keyhaven/crypto'
import type { DeviceRecord, UserState } from '@keyhaven/directory'

/** The record of a device with this signing key, if the chain has it as the device's newest. */
export function recordOf(state: UserState, device: string, signingKey: Jwk): DeviceRecord | undefined {
  const record = state.devices.find((candidate) => candidate.device === device)?.record
  if (record === undefined) return undefined
  const members = ['kty', 'crv', 'x', 'n', 'e'] as const
  return members.every((member) => record.signingKey[member] === signingKey[member]) ? record : undefined
}
