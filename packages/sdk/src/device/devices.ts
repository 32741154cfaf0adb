import { KeyhavenError } from '@keyhaven/crypto'
import {
  type DeviceState,
  type DeviceStatus,
  type ProfileName,
  signerOf,
  verifyDeviceKeyRequest,
} from '@keyhaven/directory'
import { fingerprintOf } from './fingerprint.ts'
import type { HandOverOutcome } from './hand-over.ts'
import type { HistoryParts } from './history.ts'
import type { OpenDevice } from './open-device.ts'
import { openRecoveryKey, type RecoverySecret } from './recovery-secret.ts'
import { requireDeviceId, requireDeviceRequest, requireEntryHash } from './require-input.ts'

const MS_PER_SECOND = 1_000
const MISFITS: readonly string[] = ['RECORD_INVALID', 'CHAIN_BROKEN']
/** The server may have run the request. */
const UNKNOWN_CODES: readonly string[] = [
  'RESULT_UNKNOWN',
  'GATEWAY_UNAVAILABLE',
  'GATEWAY_REFUSED',
  'OPEN_FAILED',
]

/** One device of one's own. */
export interface DeviceInfo {
  readonly device: string
  readonly name: string
  readonly profile: ProfileName
  readonly status: DeviceStatus
  readonly isThisDevice: boolean
  readonly since: Date
  readonly expires: Date
  /** The device that approved it, also after renewals; itself, if it was the first. */
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

/** A device that was approved. */
export interface DeviceApproval extends DeviceRequestInfo {
  /**
   * What became of this device's history. `done`: the new device has it. `later`: it is handed over by itself as soon as
   * that can be, such as to a device whose clock is ahead, and whose record is not valid yet. `refused`: the device
   * cannot be written to. `off`: not wanted.
   */
  readonly history: HandOverOutcome | 'off'
}

/** The devices of one's own. */
export interface Devices {
  list(): Promise<readonly DeviceInfo[]>
  /**
   * Reads a new device's request, to show what would be approved.
   *
   * @throws KeyhavenError `INPUT_INVALID` for what is no request, `RECORD_INVALID` for one that does not hold or is
   *   another person's.
   */
  inspect(request: string): Promise<DeviceRequestInfo>
  /**
   * Records another device, and hands it the history that this device has.
   *
   * @param options.history - false: it reads only what comes from now on. @defaultValue true
   * @throws as {@link inspect}, and KeyhavenError `CONFLICT` if it was approved before.
   */
  approve(request: string, options?: { readonly history?: boolean }): Promise<DeviceApproval>
  /**
   * This device at once; another one after 24 hours, in which any device can object; with the recovery key at once. A
   * recovery key that was made less than 24 hours ago, while there were other devices, takes 24 hours as a device does:
   * the thief of a device could have made it. An operator ends a device at once.
   *
   * @param device - id. @returns when it takes effect: compare it with now.
   */
  revoke(
    device: string,
    options?: { readonly reason?: string; readonly recovery?: RecoverySecret },
  ): Promise<Date>
  /**
   * Voids a revocation, or a replacement of the recovery key, before it takes effect.
   *
   * @param entry - its hash: `revocation.entry` of `list()`.
   * @throws KeyhavenError `INPUT_INVALID` for what is no hash, `NOT_FOUND` if nothing is pending under it.
   */
  object(entry: string): Promise<void>
}

export function createDevices(device: OpenDevice, history: HistoryParts, touch: () => void): Devices {
  const { app, keys, directory, messenger } = device
  const { application, backend } = app

  async function inspect(request: string): Promise<DeviceRequestInfo> {
    const text = requireDeviceRequest(request)
    const read = await verifyDeviceKeyRequest(backend, text, { application, username: keys.username })
    const { device: id, name, profile } = read
    return { device: id, name, profile, fingerprint: await fingerprintOf(backend, text) }
  }

  async function ownDevice(id: string): Promise<DeviceState | undefined> {
    const { devices } = await device.signed(() => directory.ownChain())
    return devices.find((item) => item.device === id)
  }

  async function isPending(entry: string): Promise<boolean> {
    const { devices, recoveryKeys } = await device.signed(() => directory.ownChain())
    const { current, next } = recoveryKeys
    return [...devices.map(({ revocation }) => revocation), current, next].some(
      (item) => item?.entry === entry,
    )
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
      const { handOvers } = history
      const wanted = options.history !== false
      if (!wanted) await handOvers.withdraw(info.device)
      const takeBack = wanted ? await handOvers.promise(info.device) : async () => {}
      try {
        await refusedBecause(
          () => directory.approve(request.trim()),
          async () => {
            if (!(await ownDevice(info.device))) return undefined
            return new KeyhavenError('CONFLICT', 'this device was approved before: devices.list() shows it')
          },
        )
      } catch (error) {
        // Without an answer it may be approved: the upkeep finds out.
        if (error instanceof KeyhavenError && !UNKNOWN_CODES.includes(error.code)) await takeBack()
        throw error
      }
      messenger.directoryChanged(keys.username)
      return { ...info, history: wanted ? await handOvers.keep(info.device) : 'off' }
    },
    async revoke(id, { reason = '', recovery } = {}) {
      touch()
      requireDeviceId(id)
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
      requireEntryHash(entry)
      await refusedBecause(
        () => directory.object(entry),
        async () => ((await isPending(entry)) ? undefined : nothingPending()),
      )
      messenger.directoryChanged(keys.username)
    },
  }
}

function noSuchDevice(): KeyhavenError {
  return new KeyhavenError('NOT_FOUND', 'you have no such device: devices.list() names the ids')
}

function nothingPending(): KeyhavenError {
  return new KeyhavenError(
    'NOT_FOUND',
    'nothing is pending under this entry: devices.list() shows `revocation.entry` of what can be objected to',
  )
}

function infoOf(
  { device, record, earlier, revocation, status, since }: DeviceState,
  own: string,
): DeviceInfo {
  return {
    device,
    name: record.name,
    profile: record.profile,
    status,
    isThisDevice: device === own,
    since: new Date(since * MS_PER_SECOND),
    expires: new Date(record.expires * MS_PER_SECOND),
    // Its first record says who brought it in; the later ones it signed itself.
    approvedBy: (earlier[0] ?? record).approvedBy,
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
