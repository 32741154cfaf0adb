import { KeyhavenError } from '@keyhaven/crypto'
import type { DirectoryIdentity, NewDevice, ProfileName, SignUp } from '@keyhaven/directory'
import { readDeviceNotes } from './device-notes.ts'
import { newDevice, type OpenDevice } from './open-device.ts'
import { recordOf } from './record-of.ts'
import { readText, writeText } from './stored-value.ts'

const MS_PER_SECOND = 1_000
const RENEWING_KEY = 'sdk/renewing'

export interface RenewOptions {
  /** Another profile, higher in rank: RSA to X-Wing. @defaultValue the same */
  readonly profile?: ProfileName
  /** A fresh sign-up proof: needed to leave the legacy profile. */
  readonly signUp?: SignUp
  readonly deviceName?: string
}

/** Whether a renewal began and did not end. */
export async function isRenewing({ used }: OpenDevice): Promise<boolean> {
  return (await readText(used.store, RENEWING_KEY)) === 'yes'
}

/**
 * New keys for this device, signed by the old ones. Keys are stored before they are sent, and the directory is asked
 * whether it has them already: a crash between the two, or another tab that renews, loses nothing.
 *
 * @throws KeyhavenError `KEY_EXPIRED` after the grace time: another device approves this one, or an operator resets
 *   the user.
 */
export async function renewRecord(device: OpenDevice, options: RenewOptions = {}): Promise<void> {
  const { keys, directory, messenger, used } = device
  const { record } = await readDeviceNotes(device)
  await writeText(used.store, RENEWING_KEY, 'yes')
  const next = await keys.prepareRenewal(options.profile)
  const now = Math.floor(device.app.clock() / MS_PER_SECOND)
  const lifetime = record.expires - record.notBefore
  const wanted = newDevice(keys.device, options.deviceName ?? record.name, next, now, lifetime)
  let entry: string
  try {
    entry = (await directory.renew(wanted, options.signUp && { signUp: options.signUp })).entry
  } catch (error) {
    entry = await acceptedEarlier(device, wanted, error)
  }
  await keys.adopt(entry)
  await device.reload()
  await writeText(used.store, RENEWING_KEY, 'no')
  await readDeviceNotes(device)
  messenger.directoryChanged(keys.username)
}

/** @returns the entry's hash, if the directory has these keys. @throws what went wrong, if it does not. */
async function acceptedEarlier(
  { keys, directory }: OpenDevice,
  wanted: NewDevice,
  error: unknown,
): Promise<string> {
  if (!(error instanceof KeyhavenError) || !MAYBE_ACCEPTED.includes(error.code)) throw error
  const { username, device } = keys
  const next: DirectoryIdentity = { username, device, signer: wanted.signer, requestKey: wanted.requestKey }
  directory.use(next)
  try {
    const record = recordOf(await directory.ownChain(), device, wanted.signer.jwk)
    if (record !== undefined) return record.entry
  } catch {
    // Not accepted, as far as the directory says.
  }
  directory.use({ username, device, signer: keys.signingKey, requestKey: keys.requestKey })
  throw error
}

/** The old key counts no longer, or the keys are in the chain already. */
const MAYBE_ACCEPTED: readonly string[] = ['UNAUTHENTICATED', 'CONFLICT', 'RECORD_INVALID', 'CHAIN_BROKEN']
