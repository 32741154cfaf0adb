import { KeyhavenError } from '@keyhaven/crypto'
import { type NewDevice, type ProfileName, type SignUp, signLegacyProof } from '@keyhaven/directory'
import { readDeviceNotes } from './device-notes.ts'
import { identityOf, newDevice, type OpenDevice } from './open-device.ts'
import { recordOf } from './record-of.ts'
import { requireProfile } from './require-profile.ts'
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
  const { keys, messenger } = device
  requireProfile(options.profile)
  try {
    if (await isRenewing(device)) {
      await finishRenewal(device)
      if (options.profile === undefined || options.profile === keys.profile) return
    }
    await renewOnce(device, options, options.profile ?? keys.profile)
  } finally {
    messenger.directoryChanged(keys.username)
  }
}

/** The keys that a renewal before this one has left, and that the directory may have. */
async function finishRenewal(device: OpenDevice): Promise<void> {
  try {
    await renewOnce(device, {}, undefined)
  } catch (error) {
    if (await isRenewing(device)) throw error
    // They were refused, so the next ones can take their place.
  }
}

/** @param profile - undefined: that of the keys that are prepared already. */
async function renewOnce(
  device: OpenDevice,
  { deviceName, signUp }: RenewOptions,
  profile: ProfileName | undefined,
): Promise<void> {
  const { app, keys, directory, used } = device
  const { record } = await readDeviceNotes(device)
  await writeText(used.store, RENEWING_KEY, 'yes')
  const next = await keys.prepareRenewal(profile)
  const now = Math.floor(app.clock() / MS_PER_SECOND)
  const lifetime = record.expires - record.notBefore
  const wanted = newDevice(keys.device, deviceName ?? record.name, next, now, lifetime)
  let entry: string
  try {
    const proof = await legacyProof(device, wanted)
    entry = (await directory.renew(wanted, { ...proof, ...(signUp && { signUp }) })).entry
  } catch (error) {
    const found = await findRecorded(device, wanted)
    if (found === 'absent') await writeText(used.store, RENEWING_KEY, 'no')
    if (found === 'absent' || found === 'unknown') throw error
    entry = found.entry
  }
  await keys.adopt(entry)
  await device.reload()
  await writeText(used.store, RENEWING_KEY, 'no')
  await readDeviceNotes(device)
}

/** Out of the legacy profile, whose one key also is the encryption key, the old key signs the new one as in its day. */
async function legacyProof({ app, keys }: OpenDevice, wanted: NewDevice): Promise<{ legacyProof?: string }> {
  const { privateKey } = keys.encryptionKey
  if (keys.profile !== 'rsa1024-legacy' || !('rsa' in privateKey)) return {}
  return { legacyProof: await signLegacyProof(app.backend, privateKey.rsa, wanted.signer.jwk) }
}

/** Whether the directory has these keys: it then answers to them, and not to the old ones. */
async function findRecorded(
  { keys, directory }: OpenDevice,
  wanted: NewDevice,
): Promise<{ readonly entry: string } | 'absent' | 'unknown'> {
  const { username, device } = keys
  directory.use({ username, device, signer: wanted.signer, requestKey: wanted.requestKey })
  try {
    return recordOf(await directory.ownChain(), device, wanted.signer.jwk) ?? 'absent'
  } catch (error) {
    return error instanceof KeyhavenError && error.code === 'UNAUTHENTICATED' ? 'absent' : 'unknown'
  } finally {
    directory.use(identityOf(keys))
  }
}
