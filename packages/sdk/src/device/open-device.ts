import { type Awaitable, KeyhavenError } from '@keyhaven/crypto'
import {
  createDirectoryClient,
  type DirectoryClient,
  type DirectoryEvent,
  type DirectoryIdentity,
  type NewDevice,
  PROFILES,
} from '@keyhaven/directory'
import {
  createMessenger,
  type DeviceKeys,
  type Messenger,
  type MessengerSettings,
  type NewDeviceKeys,
} from '@keyhaven/messaging'
import { type AppContext, requireLogTrust } from './app-context.ts'
import { directoryStoreIn } from './directory-store.ts'
import type { UsedStore } from './message-store.ts'
import { messagingDirectory } from './messaging-directory.ts'
import { createSignedApi, type SignedApi } from './signed-api.ts'

/** What the parts of one device share. */
export interface OpenDevice {
  readonly app: AppContext
  readonly keys: DeviceKeys
  readonly used: UsedStore
  readonly directory: DirectoryClient
  readonly messenger: Messenger
  readonly api: SignedApi
  /**
   * Runs what the server checks a signature of. If another tab or process has renewed meanwhile, the new keys are
   * loaded, and it runs once more.
   */
  signed<T>(run: () => Awaitable<T>): Promise<T>
  /** From now on requests and entries are signed with what the store holds. */
  reload(): Promise<void>
}

export interface DeviceSettings {
  /**
   * Told what a person should know: that a contact lost all devices and started anew (`chain-reset`). Once for each
   * reset, by whatever look-up finds it first. What it throws goes nowhere.
   */
  readonly onEvent?: (event: DirectoryEvent) => void
  /** Of messages; see `MessengerSettings`. With `allowLegacy`, devices of the legacy profile are accepted. */
  readonly messages?: Partial<MessengerSettings>
}

/** The directory's client of a device that has no messenger yet. */
export function directoryOf(app: AppContext, used: UsedStore, settings: DeviceSettings): DirectoryClient {
  const { application, backend, channel, clock } = app
  return createDirectoryClient({
    fetch: channel.signedFetch,
    application,
    trust: requireLogTrust(app),
    store: directoryStoreIn(used.store, backend),
    clock,
    backend,
    ...(settings.onEvent && { onEvent: quiet(settings.onEvent) }),
    ...(settings.messages?.allowLegacy && { profiles: Object.values(PROFILES).map(({ name }) => name) }),
  })
}

/** The look-up that finds something out is not to fail by what the app does with it. */
function quiet(tell: (event: DirectoryEvent) => void): (event: DirectoryEvent) => void {
  return (event) => {
    try {
      tell(event)
    } catch {
      // The app's own affair.
    }
  }
}

/** A device whose keys are recorded. */
export function openDevice(
  app: AppContext,
  used: UsedStore,
  keys: DeviceKeys,
  settings: DeviceSettings = {},
): OpenDevice {
  const { application, backend, channel, clock } = app
  const directory = directoryOf(app, used, settings)
  directory.use(identityOf(keys))
  const { signedFetch } = channel
  const api = createSignedApi({ signedFetch, application, backend, clock, keys })

  async function reload(): Promise<void> {
    await keys.reload()
    directory.use(identityOf(keys))
  }

  async function signed<T>(run: () => Awaitable<T>): Promise<T> {
    const before = keys.entry
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof KeyhavenError) || error.code !== 'UNAUTHENTICATED') throw error
      await reload()
      if (keys.entry === before) throw error
      return run()
    }
  }

  const messenger = createMessenger({
    application,
    me: keys,
    directory: messagingDirectory(directory, signed),
    store: used.store,
    clock,
    backend,
    ...(settings.messages && { settings: settings.messages }),
  })
  return { app, keys, used, directory, messenger, api, signed, reload }
}

export function identityOf(keys: DeviceKeys): DirectoryIdentity {
  const { username, device, signingKey, requestKey } = keys
  return { username, device, signer: signingKey, requestKey }
}

/**
 * What the directory is to record of keys that are stored already.
 *
 * @param now - seconds since the epoch.
 * @param lifetime - of the record, in seconds; left out: the directory's default.
 */
export function newDevice(
  device: string,
  name: string,
  keys: NewDeviceKeys,
  now: number,
  lifetime: number | undefined,
): NewDevice {
  return {
    notBefore: now,
    ...(lifetime !== undefined && { expires: now + lifetime }),
    device,
    name,
    profile: keys.profile,
    signer: keys.signingKey,
    requestKey: keys.requestSigner,
    encryptionKey: keys.encryptionKey.publicJwk,
  }
}
