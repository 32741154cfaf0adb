import type { VerifyKey } from '@keyhaven/crypto'
import { backend } from '@keyhaven/crypto'
import { type DeviceState, type DeviceStatus, deviceStatus } from '@keyhaven/directory'
import type { StateChanges } from '../platform/state/state-changes.ts'

/** In `state_changes`, before application, space and username: the user's devices changed. */
const USER_CHANGE_PREFIX = 'user:'
/** Each takes about 1 KiB. */
const MAX_DEVICES = 20_000

/** A device as it is now, for the check of its signature. */
export interface CheckedDevice {
  readonly username: string
  readonly status: DeviceStatus
  readonly requestKey: VerifyKey
}

/** Devices that called lately, in memory. */
export interface DeviceCache {
  /**
   * What was read before, unless its user changed since: changes of this process count at once, those of others within a
   * second. Whether a record has begun or expired, or a revocation has come into force, is judged anew each time.
   *
   * @throws KeyhavenError `STORE_UNAVAILABLE`, `STATE_ROLLED_BACK`
   */
  find(applicationId: string, device: string): Promise<CheckedDevice | undefined>
  close(): void
}

export interface DeviceCacheOptions {
  readonly changes: Pick<StateChanges, 'onChange' | 'confirmFresh'>
  /** Reads it from the database. */
  readonly load: (
    applicationId: string,
    device: string,
  ) => Promise<{ readonly username: string; readonly device: DeviceState } | undefined>
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly maxDevices?: number
}

interface Known {
  readonly username: string
  /** Of its user in its application. */
  readonly user: string
  readonly state: Pick<DeviceState, 'record' | 'revocation'>
  readonly requestKey: VerifyKey
}

const MS_PER_SECOND = 1_000

/** What `state_changes` calls a change of a user's devices. */
export function userChange(applicationId: string, username: string): string {
  return `${USER_CHANGE_PREFIX}${applicationId} ${username}`
}

/** An LRU by device. One that is unknown, revoked or of an ended chain is read anew each time. */
export function createDeviceCache(options: DeviceCacheOptions): DeviceCache {
  const { changes, load, clock, maxDevices = MAX_DEVICES } = options
  const devices = new Map<string, Known>()
  const byUser = new Map<string, Set<string>>()
  /** Rises with every change: what was read meanwhile may be older than it. */
  let changed = 0

  function drop(name: string): void {
    const known = devices.get(name)
    if (known === undefined) return
    devices.delete(name)
    const names = byUser.get(known.user)
    names?.delete(name)
    if (names?.size === 0) byUser.delete(known.user)
  }

  function keep(name: string, known: Known): void {
    drop(name)
    if (devices.size >= maxDevices) drop(devices.keys().next().value!)
    devices.set(name, known)
    const names = byUser.get(known.user) ?? new Set()
    byUser.set(known.user, names.add(name))
  }

  const stopListening = changes.onChange((change) => {
    if (change === undefined) {
      changed++
      devices.clear()
      byUser.clear()
    } else if (change.startsWith(USER_CHANGE_PREFIX)) {
      changed++
      for (const name of [...(byUser.get(change) ?? [])]) drop(name)
    }
  })

  const now = (): number => Math.floor(clock() / MS_PER_SECOND)

  return {
    async find(applicationId, device) {
      const stale = changes.confirmFresh()
      if (stale !== undefined) await stale
      const name = `${applicationId} ${device}`
      const known = devices.get(name)
      if (known !== undefined) {
        devices.delete(name)
        devices.set(name, known) // now the most recently used
        const { username, requestKey, state } = known
        return { username, requestKey, status: deviceStatus(state, now()) }
      }
      const before = changed
      const found = await load(applicationId, device)
      if (found === undefined) return undefined
      const { username, device: state } = found
      const { record, revocation, status } = state
      const requestKey = await backend.signatures.importVerifyKey('EdDSA', record.requestKey)
      if (status !== 'revoked' && changed === before) {
        const user = userChange(applicationId, username)
        const kept = { record, ...(revocation && { revocation }) }
        keep(name, { username, user, requestKey, state: kept })
      }
      return { username, requestKey, status }
    },
    close: stopListening,
  }
}
