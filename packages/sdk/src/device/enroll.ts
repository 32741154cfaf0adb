import { KeyhavenError } from '@keyhaven/crypto'
import {
  type AcceptedEntry,
  checkUsername,
  type DirectoryClient,
  type NewDevice,
  type ProfileName,
  type SignUp,
} from '@keyhaven/directory'
import { importLogTrust } from '@keyhaven/directory/log'
import { createDeviceKeys, type DeviceKeys, openDeviceKeys } from '@keyhaven/messaging'
import { type AppContext, requireLogTrust } from './app-context.ts'
import { defaultDeviceName } from './default-device-name.ts'
import { createMe, type Me, type MeOptions } from './me.ts'
import { type MessageStoreSource, openMessageStore, type UsedStore } from './message-store.ts'
import { type DeviceSettings, directoryOf, identityOf, newDevice, openDevice } from './open-device.ts'
import { recordOf } from './record-of.ts'
import { requireOptions } from './require-input.ts'
import { requireProfile } from './require-profile.ts'

const MS_PER_SECOND = 1_000

export interface NewDeviceSetup extends MeOptions, DeviceSettings {
  readonly username: string
  /** @defaultValue memory, which forgets with the process: the device is lost with it. */
  readonly store?: MessageStoreSource
  /** For people, in the list of devices. @defaultValue a description of the platform */
  readonly deviceName?: string
  /** @defaultValue `x-wing` */
  readonly profile?: ProfileName
  /** Life of the device's record, at most 400 days; renewals keep it. @defaultValue 90 days */
  readonly recordSeconds?: number
}

export type EnrollOptions = NewDeviceSetup & SignUp

/** A device of which the keys exist, and the directory does not know yet. */
export interface PendingDevice {
  readonly used: UsedStore
  readonly keys: DeviceKeys
  readonly directory: DirectoryClient
  readonly wanted: NewDevice
  /** The entry's hash, if the directory has the device after all. */
  recorded(): Promise<string | undefined>
}

/**
 * Records a user's first device.
 *
 * @throws TypeError without `trust.log`; KeyhavenError `CONFLICT` if the store belongs to a device already, or the user
 *   has one: see `requestDevice`; `UNAUTHENTICATED` or `ACCESS_DENIED` on a sign-up proof that does not count.
 */
export async function enroll(app: AppContext, options: EnrollOptions): Promise<Me> {
  requireOptions(options, 'enroll({ username, token, store })')
  const signUp = requireSignUp(options)
  const pending = await prepareDevice(app, options)
  const { keys, used } = pending
  try {
    const entry = (await pending.recorded()) ?? (await register(pending, signUp)).entry
    await keys.adopt(entry)
    return await createMe(openDevice(app, used, keys, options), options)
  } catch (error) {
    await used.close()
    throw error
  }
}

async function register({ directory, keys, wanted }: PendingDevice, signUp: SignUp): Promise<AcceptedEntry> {
  try {
    return await directory.register(keys.username, wanted, signUp)
  } catch (cause) {
    if (!(cause instanceof KeyhavenError) || cause.code !== 'CONFLICT') throw cause
    const what =
      'this user has a device already: requestDevice() adds another one, which that device approves; ' +
      'if all devices are lost, an operator resets the user'
    throw new KeyhavenError('CONFLICT', what, { cause })
  }
}

/** Keys for a new device, stored; those of an earlier try that was cut short. */
export async function prepareDevice(app: AppContext, options: NewDeviceSetup): Promise<PendingDevice> {
  // A mistyped key must not use up the sign-up proof: the directory would know a device that trusts no log.
  await importLogTrust(app.backend, requireLogTrust(app))
  const { application, backend, clock } = app
  const { username, profile, recordSeconds } = options
  if (typeof username !== 'string') throw new TypeError('username must be a text')
  checkUsername(username)
  requireProfile(profile)
  const used = await openMessageStore(options.store)
  try {
    const common = { store: used.store, clock, backend }
    const stored = await openDeviceKeys(common)
    if (stored !== undefined) requirePending(stored, app, username)
    const fresh = {
      ...(profile && { profile }),
      ...(recordSeconds !== undefined && { recordSeconds }),
    }
    const keys = stored ?? (await createDeviceKeys({ ...common, application, username, ...fresh }))
    const now = Math.floor(clock() / MS_PER_SECOND)
    const name = options.deviceName ?? defaultDeviceName()
    const wanted = newDevice(keys.device, name, await keys.prepareRenewal(), now, recordSeconds)
    const directory = directoryOf(app, used, options)
    async function recorded(): Promise<string | undefined> {
      directory.use(identityOf(keys))
      try {
        return recordOf(await directory.ownChain(), keys.device, keys.signingKey.jwk)?.entry
      } catch (error) {
        if (error instanceof KeyhavenError && UNKNOWN_DEVICE.includes(error.code)) return undefined
        throw error
      }
    }
    // New keys cannot be there yet.
    return { used, keys, directory, wanted, recorded: stored ? recorded : once(recorded) }
  } catch (error) {
    await used.close()
    throw error
  }
}

const UNKNOWN_DEVICE: readonly string[] = ['UNAUTHENTICATED', 'NOT_FOUND']

/** The first answer is known: undefined. */
function once(ask: () => Promise<string | undefined>): () => Promise<string | undefined> {
  let isFirst = true
  return async () => {
    if (!isFirst) return ask()
    isFirst = false
    return undefined
  }
}

function requirePending(keys: DeviceKeys, app: AppContext, username: string): void {
  if (keys.application !== app.application || keys.username !== username) {
    throw new KeyhavenError('CONFLICT', 'this store belongs to another user or application')
  }
  if (keys.entry !== undefined) {
    throw new KeyhavenError(
      'CONFLICT',
      'this store belongs to a device already: open it with resume(), or, if it was revoked, take an empty store',
    )
  }
}

function requireSignUp(options: { readonly token?: unknown; readonly idToken?: unknown }): SignUp {
  const { token, idToken } = options
  if (typeof token === 'string' && idToken === undefined) return { token }
  if (typeof idToken === 'string' && token === undefined) return { idToken }
  throw new TypeError('enroll() needs either token, a sign-up token of the operator, or idToken')
}
