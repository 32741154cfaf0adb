import { KeyhavenError } from '@keyhaven/crypto'
import type { OpenDevice } from './open-device.ts'
import { recordOf } from './record-of.ts'
import { StoredValue } from './stored-value.ts'

const KEY = 'sdk/device'

/** What a device remembers of its own record, to know without the directory when to renew. */
interface Notes {
  readonly record: {
    /** Hash of the device entry. */
    readonly entry: string
    readonly name: string
    /** Seconds since the epoch. */
    readonly notBefore: number
    readonly expires: number
  }
  /** Thumbprint of the newest encryption key that the directory has. */
  readonly published: string
}

/** The notes on the entry in force; made anew from the directory if they are of another. */
export async function readDeviceNotes(
  device: OpenDevice,
): Promise<Notes & { write(notes: Notes): Promise<void> }> {
  const { keys, directory } = device
  const value = new StoredValue<Notes>(device.used.store, KEY)
  const write = (notes: Notes) => value.write(notes)
  const notes = await value.read()
  if (notes !== undefined && notes.record.entry === keys.entry) return { ...notes, write }
  const state = await device.signed(() => directory.ownChain())
  const found = recordOf(state, keys.device, keys.signingKey.jwk)
  if (found === undefined) {
    throw new KeyhavenError('DEVICE_REVOKED', 'the directory does not have this device any more')
  }
  const { entry, name, notBefore, expires, encryptionThumbprint } = found
  const fresh: Notes = { record: { entry, name, notBefore, expires }, published: encryptionThumbprint }
  await write(fresh)
  return { ...fresh, write }
}
