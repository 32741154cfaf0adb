import type { KeyObject } from 'node:crypto'
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, KeyhavenError, Reader, Writer } from '@keyhaven/crypto'
import type { KeyWrapper, WrapContext } from '@keyhaven/keys'
import type { KeyringLocation, MasterKeyring } from './master-keyring.ts'
import { createKeyring, loadKeyring, MASTER_KEY_ID_BYTES, overwriteMasterKeys } from './master-keyring.ts'

/** Layout of a wrapped key, docs/storage-schema.md: version | master key id | nonce | ciphertext ‖ tag. */
const WRAP_VERSION = 1
const HEADER_BYTES = 1 + MASTER_KEY_ID_BYTES + AEAD_NONCE_BYTES

/** Wraps with AES-256-GCM under one key of a {@link MasterKeyring}: the newest, until told which. */
export interface LocalWrapper extends KeyWrapper {
  readonly location: KeyringLocation
  /** Oldest last. */
  readonly masterKeyIds: readonly string[]
  /** Reads the keyring again: forgets master keys that were dropped, knows those that were added. */
  reload(): void
  /**
   * Wraps under this one from now on.
   *
   * @throws KeyhavenError `STORE_UNAVAILABLE` if it is not in the keyring.
   */
  use(masterKeyId: string): void
}

/**
 * @param options.create - makes a keyring where there is none: only for an installation without keys.
 * @throws KeyhavenError `CONFIG_INVALID` with what to mend.
 */
export function openLocalWrapper(
  location: KeyringLocation,
  options: { create: boolean; now: number },
): LocalWrapper {
  const found = loadKeyring(location) ?? (options.create ? createKeyring(location, options.now) : undefined)
  if (found === undefined) {
    throw new KeyhavenError(
      'CONFIG_INVALID',
      `the database holds keys, but their master keyring ${location.file} is missing: put it back`,
    )
  }
  let keys = importKeys(found)
  let current = found.keys[0]?.id ?? ''

  const reload = (): void => {
    const keyring = loadKeyring(location)
    if (keyring === undefined) {
      throw new KeyhavenError('STORE_UNAVAILABLE', `the master keyring ${location.file} is missing`)
    }
    keys = importKeys(keyring)
    if (!keys.has(current)) current = keyring.keys[0]?.id ?? ''
  }

  const find = (id: string): KeyObject => {
    if (!keys.has(id)) reload()
    const key = keys.get(id)
    if (key !== undefined) return key
    throw new KeyhavenError('STORE_UNAVAILABLE', `master key ${id} is not in ${location.file}`)
  }

  return {
    name: 'local',
    location,
    get masterKeyId() {
      return current
    },
    get masterKeyIds() {
      return [...keys.keys()]
    },
    reload,
    use(masterKeyId) {
      find(masterKeyId)
      current = masterKeyId
    },
    wrap(plaintext, context) {
      const nonce = randomBytes(AEAD_NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', find(current), nonce).setAAD(
        associatedData(current, context),
      )
      return new Writer()
        .u8(WRAP_VERSION)
        .bytes(Buffer.from(current, 'hex'))
        .bytes(nonce)
        .bytes(cipher.update(plaintext))
        .bytes(cipher.final())
        .bytes(cipher.getAuthTag())
        .done()
    },
    unwrap(wrapped, context) {
      const id = masterKeyIdOf(wrapped)
      const key = find(id)
      const nonce = wrapped.subarray(1 + MASTER_KEY_ID_BYTES, HEADER_BYTES)
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: AEAD_TAG_BYTES })
        decipher
          .setAAD(associatedData(id, context))
          .setAuthTag(wrapped.subarray(wrapped.length - AEAD_TAG_BYTES))
        const plaintext = decipher.update(wrapped.subarray(HEADER_BYTES, wrapped.length - AEAD_TAG_BYTES))
        decipher.final()
        return plaintext
      } catch (error) {
        throw new KeyhavenError('OPEN_FAILED', 'a stored key does not unwrap', { cause: error })
      }
    },
    masterKeyIdOf,
  }
}

function masterKeyIdOf(wrapped: Uint8Array): string {
  const reader = new Reader(wrapped)
  if (reader.u8() !== WRAP_VERSION || wrapped.length < HEADER_BYTES + AEAD_TAG_BYTES) {
    throw new KeyhavenError('WIRE_MALFORMED', 'wrapped key')
  }
  return Buffer.from(reader.bytes(MASTER_KEY_ID_BYTES)).toString('hex')
}

/** A wrapped key opens only as what it was: in its application, for its purpose, under its id. */
function associatedData(masterKeyId: string, context: WrapContext): Uint8Array {
  return new Writer()
    .u8(WRAP_VERSION)
    .bytes(Buffer.from(masterKeyId, 'hex'))
    .bytes8(Buffer.from(context.purpose))
    .bytes8(Buffer.from(context.applicationId))
    .bytes8(Buffer.from(context.id))
    .done()
}

function importKeys(keyring: MasterKeyring): Map<string, KeyObject> {
  const keys = new Map(keyring.keys.map(({ id, bytes }) => [id, createSecretKey(bytes)]))
  overwriteMasterKeys(keyring)
  return keys
}
