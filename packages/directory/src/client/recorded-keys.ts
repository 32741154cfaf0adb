import { isRevoked } from '../chain/device-at.ts'
import { PROFILES } from '../chain/profile.ts'
import type { DeviceState, UserState } from '../chain/user-state.ts'
import type { RecordedKey } from './directory-client.ts'

/** Every signing key that a user's chains ever recorded, oldest chain first. */
export function recordedKeysOf(state: UserState): readonly RecordedKey[] {
  return [...state.former, ...state.devices].flatMap((device) => keysOf(device, state))
}

function keysOf(device: DeviceState, state: UserState): RecordedKey[] {
  const records = [...device.earlier, device.record]
  const revokedAt = endOf(device, state)
  return records.map((record, at) => {
    const next = records[at + 1]
    return {
      device: device.device,
      entry: record.entry,
      chain: device.chain,
      signingKey: { algorithm: PROFILES[record.profile].algorithm, jwk: record.signingKey },
      issued: record.issued,
      expires: record.expires,
      ...(next && { supersededAt: next.issued }),
      ...(revokedAt !== undefined && { revokedAt }),
    }
  })
}

/** When the device was revoked, or its chain was ended, whichever is first; undefined if neither is in force. */
function endOf(device: DeviceState, state: UserState): number | undefined {
  const reset = state.history.find(({ kind, chain }) => kind === 'reset' && chain === device.chain + 1)
  const { revocation } = device
  const revoked = isRevoked(device, state.at) ? revocation?.effective : undefined
  const ends = [reset?.issued, revoked].filter((time) => time !== undefined)
  return ends.length > 0 ? Math.min(...ends) : undefined
}
