import type { DeviceState, UserState } from '../chain/user-state.ts'
import type { StoredDevice } from './ports.ts'

/** Rows of devices that an entry has changed. */
export function changedDeviceRows(before: UserState, after: UserState): readonly StoredDevice[] {
  const known = new Map(rowsOf(before).map((row) => [row.device, JSON.stringify(row)]))
  return rowsOf(after).filter((row) => known.get(row.device) !== JSON.stringify(row))
}

function rowsOf(state: UserState): StoredDevice[] {
  return [...state.former, ...state.devices].map((device) => {
    const { name, profile, notBefore, expires } = device.record
    const { username } = state
    const endedAt = endOf(state, device)
    return {
      device: device.device,
      username,
      chain: device.chain,
      name,
      profile,
      since: device.since,
      notBefore,
      expires,
      endedAt,
    }
  })
}

/** The revocation or the reset of its chain, whichever is first. */
function endOf(state: UserState, { chain, revocation }: DeviceState): number | null {
  const reset = state.history.find((item) => item.kind === 'reset' && item.chain === chain + 1)
  const ends = [revocation?.effective, reset?.issued].filter((end) => end !== undefined)
  return ends.length === 0 ? null : Math.min(...ends)
}
