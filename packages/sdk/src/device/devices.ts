import { KeyhavenError } from '@keyhaven/crypto'
import {
  type DeviceState,
  type DeviceStatus,
  type ProfileName,
  signerOf,
  verifyDeviceKeyRequest,
} from '@keyhaven/directory'
import { fingerprintOf } from './fingerprint.ts'
import type { HistoryParts } from './history.ts'
import type { OpenDevice } from './open-device.ts'
import { openRecoveryKey, type RecoverySecret } from './recovery-secret.ts'

const MS_PER_SECOND = 1_000
const MISFITS: readonly string[] = ['RECORD_INVALID', 'CHAIN_BROKEN']

/** One device of one's own. */
export interface DeviceInfo {
  readonly device: string
  readonly name: string
  readonly profile: ProfileName
  readonly status: DeviceStatus
  readonly isThisDevice: boolean
  readonly since: Date
  readonly expires: Date
  /** The device that approved it; itself, if it was the first. */
  readonly approvedBy: string
  /** In force, or to come: until `effective` any device can object. */
  readonly revocation?: {
    readonly entry: string
    readonly reason: string
    readonly effective: Date
    readonly by: 'device' | 'recovery' | 'authority'
  }
}

/** What a new device asks for. */
export interface DeviceRequestInfo {
  readonly device: string
  readonly name: string
  readonly profile: ProfileName
  /** 25 digits: the new device shows the same. */
  readonly fingerprint: string
}

/** The devices of one's own. */
export interface Devices {
  list(): Promise<readonly DeviceInfo[]>
  /** Reads a new device's request, to show what would be approved. @throws KeyhavenError `RECORD_INVALID` */
  inspect(request: string): Promise<DeviceRequestInfo>
  /**
   * Records another device, and hands it the history that this device has.
   *
   * @param options.history - false: it reads only what comes from now on. @defaultValue true
   */
  approve(request: string, options?: { readonly history?: boolean }): Promise<DeviceRequestInfo>
  /**
   * This device at once; another one after 24 hours, in which any device can object; with the recovery key at once.
   *
   * @param device - id. @returns when it takes effect.
   */
  revoke(
    device: string,
    options?: { readonly reason?: string; readonly recovery?: RecoverySecret },
  ): Promise<Date>
  /** Voids a revocation, or a replacement of the recovery key, before it takes effect. @param entry - its hash */
  object(entry: string): Promise<void>
}

export function createDevices(device: OpenDevice, history: HistoryParts, touch: () => void): Devices {
  const { app, keys, directory, messenger } = device
  const { application, backend } = app

  async function inspect(request: string): Promise<DeviceRequestInfo> {
    const text = request.trim()
    const read = await verifyDeviceKeyRequest(backend, text, { application, username: keys.username })
    const { device: id, name, profile } = read
    return { device: id, name, profile, fingerprint: await fingerprintOf(backend, text) }
  }

  async function ownDevice(id: string): Promise<DeviceState | undefined> {
    const { devices } = await device.signed(() => directory.ownChain())
    return devices.find((item) => item.device === id)
  }

  /** The directory only says that an entry does not fit the chain; the chain says why. */
  async function refusedBecause<T>(
    submit: () => Promise<T>,
    reason: () => Promise<KeyhavenError | undefined>,
  ): Promise<T> {
    try {
      return await device.signed(submit)
    } catch (error) {
      const refused = error instanceof KeyhavenError && MISFITS.includes(error.code)
      throw (refused && (await reason())) || error
    }
  }

  return {
    async list() {
      const state = await device.signed(() => directory.ownChain())
      return state.devices.map((item) => infoOf(item, keys.device))
    },
    inspect,
    async approve(request, options = {}) {
      touch()
      const info = await inspect(request)
      await refusedBecause(
        () => directory.approve(request.trim()),
        async () => {
          if (!(await ownDevice(info.device))) return undefined
          return new KeyhavenError('CONFLICT', 'this device was approved before: devices.list() shows it')
        },
      )
      messenger.directoryChanged(keys.username)
      if (options.history !== false) await history.handOver(info.device)
      return info
    },
    async revoke(id, { reason = '', recovery } = {}) {
      touch()
      const key = recovery && (await openRecoveryKey(device, recovery))
      const signer = key && signerOf(backend, key.signingKey)
      await refusedBecause(
        () => directory.revoke(id, reason, signer),
        async () => ((await ownDevice(id)) ? undefined : noSuchDevice()),
      )
      messenger.directoryChanged(keys.username)
      // Once this device is revoked, the directory does not answer it any more.
      if (id === keys.device) return new Date(app.clock())
      const revocation = (await ownDevice(id))?.revocation
      if (revocation === undefined) throw noSuchDevice()
      return new Date(revocation.effective * MS_PER_SECOND)
    },
    async object(entry) {
      touch()
      await device.signed(() => directory.object(entry))
      messenger.directoryChanged(keys.username)
    },
  }
}

function noSuchDevice(): KeyhavenError {
  return new KeyhavenError('NOT_FOUND', 'you have no such device: devices.list() names the ids')
}

function infoOf({ device, record, revocation, status, since }: DeviceState, own: string): DeviceInfo {
  return {
    device,
    name: record.name,
    profile: record.profile,
    status,
    isThisDevice: device === own,
    since: new Date(since * MS_PER_SECOND),
    expires: new Date(record.expires * MS_PER_SECOND),
    approvedBy: record.approvedBy,
    ...(revocation && {
      revocation: {
        entry: revocation.entry,
        reason: revocation.reason,
        effective: new Date(revocation.effective * MS_PER_SECOND),
        by: revocation.by.kind,
      },
    }),
  }
}
