import type { CryptoBackend } from '@keyhaven/crypto'
import { reusedRsaKeys } from '../../../../test/kit/reused-rsa-keys.ts'
import type { ProfileName } from '../../src/directory-port.ts'
import {
  createDeviceKeys,
  createMessenger,
  type DeviceKeys,
  type MessagingStore,
  type Messenger,
  type MessengerSettings,
  memoryStore,
} from '../../src/index.ts'
import { APPLICATION, TestDirectory, testClock } from './test-directory.ts'

/** A device of a test, with its messenger. */
export interface TestDevice {
  readonly keys: DeviceKeys
  readonly store: MessagingStore
  readonly messenger: Messenger
}

export interface World {
  readonly directory: TestDirectory
  readonly clock: ReturnType<typeof testClock>
  /** A user's first device, or another one approved by `approver`. */
  device(username: string, options?: DeviceOptions): Promise<TestDevice>
  /** Another messenger over the same keys and store: a second tab or process. */
  again(device: TestDevice, settings?: Partial<MessengerSettings>): Messenger
}

export interface DeviceOptions {
  readonly approver?: TestDevice
  readonly profile?: ProfileName
  readonly settings?: Partial<MessengerSettings>
  readonly store?: MessagingStore
  readonly recordSeconds?: number
}

/** People, their devices and a directory. */
export async function createWorld(backend: CryptoBackend = reusedRsaKeys()): Promise<World> {
  const clock = testClock()
  const directory = await TestDirectory.create(clock, backend)
  const messengerOf = (keys: DeviceKeys, store: MessagingStore, settings: Partial<MessengerSettings> = {}) =>
    createMessenger({
      application: APPLICATION,
      me: keys,
      directory: directory.client(),
      store,
      clock,
      settings,
      backend,
    })
  return {
    directory,
    clock,
    async device(username, options = {}) {
      const store = options.store ?? memoryStore()
      const keys = await createDeviceKeys({
        application: APPLICATION,
        username,
        store,
        clock,
        profile: options.profile ?? 'x25519',
        ...(options.recordSeconds ? { recordSeconds: options.recordSeconds } : {}),
        backend,
      })
      await directory.record(keys, {
        ...(options.approver ? { approver: options.approver.keys } : {}),
        ...(options.recordSeconds ? { seconds: options.recordSeconds } : {}),
      })
      return { keys, store, messenger: messengerOf(keys, store, options.settings) }
    },
    again: (device, settings) => messengerOf(device.keys, device.store, settings),
  }
}

/** The code that a promise fails with, or `resolved`. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}
