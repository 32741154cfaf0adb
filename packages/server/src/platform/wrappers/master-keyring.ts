import { randomBytes } from 'node:crypto'
import { KeyhavenError, overwrite } from '@keyhaven/crypto'
import { z } from 'zod'
import type { PassphraseLock } from './passphrase.ts'
import { derivePassphraseKey, lockSecret, newPassphraseLock, unlockSecret } from './passphrase.ts'
import { createPrivateFile, readPrivateFile, replacePrivateFile } from './private-file.ts'

export const MASTER_KEY_BYTES = 32
export const MASTER_KEY_ID_BYTES = 8
const FORMAT = 'keyhaven-master-keyring'
const FORMAT_VERSION = 1
/** Two while keys are moved; a few more if moves were cut and begun again by hand. */
const MAX_MASTER_KEYS = 16

export interface MasterKey {
  /** Random, 8 bytes in hex. */
  readonly id: string
  readonly bytes: Uint8Array
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

/** The master keys of an installation, in one file that only its owner can read. */
export interface MasterKeyring {
  /** The newest stands first. Which one wraps is in the database, for all processes alike. */
  readonly keys: readonly MasterKey[]
  readonly lock: PassphraseLock | undefined
}

export interface KeyringLocation {
  readonly file: string
  /** File whose first line is the passphrase; without it the keyring file itself is the secret. */
  readonly passphraseFile?: string
}

const LOCK = z.strictObject({
  kdf: z.literal('argon2id'),
  memory: z.number(),
  passes: z.number(),
  lanes: z.number(),
  salt: z.string().max(64),
})
const KEYRING = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(FORMAT_VERSION),
  lock: LOCK.optional(),
  keys: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[0-9a-f]{16}$/),
        key: z.string().max(256),
        createdAt: z.number().int(),
      }),
    )
    .min(1)
    .max(MAX_MASTER_KEYS),
})

/** @returns undefined if there is no file. @throws KeyhavenError `CONFIG_INVALID` with what to mend. */
export function loadKeyring(location: KeyringLocation): MasterKeyring | undefined {
  const bytes = readPrivateFile(location.file)
  if (bytes === undefined) return undefined
  const parsed = parse(bytes, location.file)
  if (parsed.lock !== undefined && location.passphraseFile === undefined) {
    throw new KeyhavenError(
      'CONFIG_INVALID',
      `${location.file} needs a passphrase: set KEYHAVEN_MASTER_PASSPHRASE_FILE`,
    )
  }
  if (parsed.lock === undefined && location.passphraseFile !== undefined) {
    throw new KeyhavenError(
      'CONFIG_INVALID',
      `${location.file} was made without a passphrase: unset KEYHAVEN_MASTER_PASSPHRASE_FILE`,
    )
  }
  const { lock } = parsed
  const key = lock === undefined ? undefined : passphraseKey(location, lock)
  const keys = parsed.keys.map((entry) => {
    const secret =
      key === undefined ? Buffer.from(entry.key, 'base64url') : unlockSecret(key, entry.key, label(entry.id))
    if (secret.length !== MASTER_KEY_BYTES) {
      throw new KeyhavenError('CONFIG_INVALID', `${location.file} holds a master key of the wrong length`)
    }
    return { id: entry.id, bytes: secret, createdAt: entry.createdAt }
  })
  return { keys, lock }
}

/**
 * Ids of the master keys, newest first.
 *
 * @returns undefined if there is no file.
 * @throws as {@link loadKeyring}.
 */
export function readMasterKeyIds(location: KeyringLocation): readonly string[] | undefined {
  const keyring = loadKeyring(location)
  return keyring && idsOnly(keyring)
}

/** Makes a keyring of one key; if another process was faster, that one's is loaded. */
export function createKeyring(location: KeyringLocation, now: number): MasterKeyring {
  const lock = location.passphraseFile === undefined ? undefined : newPassphraseLock()
  const keyring: MasterKeyring = { keys: [newMasterKey(now)], lock }
  if (createPrivateFile(location.file, serialise(keyring, location))) return keyring
  overwriteMasterKeys(keyring)
  return loadKeyring(location) ?? missing(location.file)
}

/** Puts a new master key in front; written before it returns. @returns all ids, the new one's first. */
export function addMasterKey(location: KeyringLocation, now: number): readonly string[] {
  const keyring = loadKeyring(location) ?? missing(location.file)
  if (keyring.keys.length >= MAX_MASTER_KEYS) {
    throw new KeyhavenError('CONFLICT', `${location.file} holds ${MAX_MASTER_KEYS} master keys already`)
  }
  const grown = { ...keyring, keys: [newMasterKey(now), ...keyring.keys] }
  replacePrivateFile(location.file, serialise(grown, location))
  return idsOnly(grown)
}

/** Leaves only one master key in the file. */
export function keepOnlyMasterKey(location: KeyringLocation, id: string): void {
  const keyring = loadKeyring(location) ?? missing(location.file)
  const kept = { ...keyring, keys: keyring.keys.filter((key) => key.id === id) }
  if (kept.keys.length === 0) throw new TypeError(`master key ${id} is not in the keyring`)
  replacePrivateFile(location.file, serialise(kept, location))
  overwriteMasterKeys(keyring)
}

/** After use: the keys of a keyring in memory, not those in its file. */
export function overwriteMasterKeys(keyring: MasterKeyring): void {
  overwrite(...keyring.keys.map((key) => key.bytes))
}

function idsOnly(keyring: MasterKeyring): readonly string[] {
  overwriteMasterKeys(keyring)
  return keyring.keys.map((key) => key.id)
}

function newMasterKey(now: number): MasterKey {
  return {
    id: randomBytes(MASTER_KEY_ID_BYTES).toString('hex'),
    bytes: randomBytes(MASTER_KEY_BYTES),
    createdAt: now,
  }
}

function serialise(keyring: MasterKeyring, location: KeyringLocation): string {
  const { lock } = keyring
  const key = lock === undefined ? undefined : passphraseKey(location, lock)
  const keys = keyring.keys.map(({ id, bytes, createdAt }) => ({
    id,
    key: key === undefined ? Buffer.from(bytes).toString('base64url') : lockSecret(key, bytes, label(id)),
    createdAt,
  }))
  return `${JSON.stringify({ format: FORMAT, version: FORMAT_VERSION, ...(lock && { lock }), keys }, null, 2)}\n`
}

function parse(bytes: Buffer, file: string): z.infer<typeof KEYRING> {
  try {
    return KEYRING.parse(JSON.parse(bytes.toString('utf8')))
  } catch (error) {
    throw new KeyhavenError('CONFIG_INVALID', `${file} is not a master keyring, or it is damaged`, {
      cause: error instanceof z.ZodError ? undefined : new Error('not JSON'),
    })
  } finally {
    overwrite(bytes)
  }
}

/** Argon2id costs a tenth of a second and 64 MiB: once for each salt. */
const derived = new Map<string, Uint8Array>()

function passphraseKey(location: KeyringLocation, lock: PassphraseLock): Uint8Array {
  const file = location.passphraseFile ?? ''
  const cacheKey = JSON.stringify([file, lock])
  const known = derived.get(cacheKey)
  if (known !== undefined) return known
  const bytes = readPrivateFile(file)
  if (bytes === undefined) throw new KeyhavenError('CONFIG_INVALID', `there is no passphrase file ${file}`)
  const end = bytes.indexOf('\n')
  const passphrase = end < 0 ? bytes : bytes.subarray(0, bytes[end - 1] === 0x0d ? end - 1 : end)
  try {
    if (passphrase.length === 0)
      throw new KeyhavenError('CONFIG_INVALID', `the first line of ${file} is empty`)
    const key = derivePassphraseKey(passphrase, lock)
    derived.set(cacheKey, key)
    return key
  } finally {
    overwrite(bytes)
  }
}

function label(id: string): string {
  return `keyhaven master key ${id}`
}

function missing(file: string): never {
  throw new KeyhavenError('CONFIG_INVALID', `there is no master keyring ${file}`)
}
