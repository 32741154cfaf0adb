import {
  type Awaitable,
  type CryptoBackend,
  fromBase64url,
  KeyhavenError,
  overwrite,
  backend as runtimeBackend,
  toBase64url,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { malformed, requireMembers, requireWhole } from '../wire/member-checks.ts'
import { RECOVERY_ENTROPY_BYTES, recoveryEntropy, recoveryKeyFromEntropy } from './create-recovery-key.ts'
import type { RecoveryKey } from './recovery-key.ts'

const WRAP_VERSION = 1
const LABEL = utf8('keyhaven recovery wrap v1')
const PRF_INFO = utf8('keyhaven recovery passkey v1')
const SALT_BYTES = 16
const NONCE_BYTES = 12
const KEY_BYTES = 32
const MAX_WRAPPED_CHARACTERS = 1_024
/** A WebAuthn PRF gives 32 bytes. */
export const PRF_OUTPUT_BYTES = 32
/** RFC 9106 §4, second recommended option: 64 MiB, three passes, four lanes. */
export const RECOVERY_ARGON2ID_COST = { memoryKiB: 65_536, passes: 3, lanes: 4 } as const
/** What a wrapped key may ask of this device. */
const MAX_MEMORY_KIB = 1_048_576
const MIN_MEMORY_KIB = 19_456
const MAX_PASSES = 16
const MAX_LANES = 16
const MIN_PASSPHRASE_CHARACTERS = 12

export interface Argon2idParameters {
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/** Argon2id (RFC 9106), from `@keyhaven/crypto/argon2id`. */
export type Argon2id = (
  passphrase: Uint8Array,
  salt: Uint8Array,
  cost: Argon2idParameters,
  length: number,
) => Awaitable<Uint8Array>

/** Whose recovery key it is: bound into the wrapping. */
export interface RecoveryOwner {
  readonly application: string
  readonly username: string
}

export interface RecoveryWrapOptions {
  /** @defaultValue that of the runtime */
  readonly backend?: CryptoBackend
}

/**
 * Wraps a recovery key under a passphrase, for the server to keep: JSON `{v: 1, kind: 'passphrase', salt, memoryKiB,
 * passes, lanes, nonce, sealed}`, AES-256-GCM.
 *
 * @throws KeyhavenError `INPUT_INVALID` on a passphrase under 12 characters.
 */
export async function wrapWithPassphrase(
  key: Pick<RecoveryKey, 'words'>,
  passphrase: string,
  owner: RecoveryOwner,
  argon2id: Argon2id,
  { backend = runtimeBackend }: RecoveryWrapOptions = {},
): Promise<string> {
  if ([...passphrase].length < MIN_PASSPHRASE_CHARACTERS) {
    throw new KeyhavenError(
      'INPUT_INVALID',
      `a passphrase has at least ${MIN_PASSPHRASE_CHARACTERS} characters`,
    )
  }
  const salt = backend.randomBytes(SALT_BYTES)
  const secret = await argon2id(passphraseBytes(passphrase), salt, RECOVERY_ARGON2ID_COST, KEY_BYTES)
  const head = { v: WRAP_VERSION, kind: 'passphrase', salt: toBase64url(salt), ...RECOVERY_ARGON2ID_COST }
  return JSON.stringify({ ...head, ...(await seal(backend, secret, 'passphrase', owner, key.words)) })
}

/** Throws `INPUT_INVALID` on a wrong passphrase, `WIRE_MALFORMED` on a text that is no wrapped key. */
export async function unwrapWithPassphrase(
  wrapped: string,
  passphrase: string,
  owner: RecoveryOwner,
  argon2id: Argon2id,
  { backend = runtimeBackend }: RecoveryWrapOptions = {},
): Promise<RecoveryKey> {
  const members = ['v', 'kind', 'salt', 'memoryKiB', 'passes', 'lanes', 'nonce', 'sealed']
  const json = requireMembers(parse(wrapped), members, 'wrapped recovery key')
  if (json.v !== WRAP_VERSION || json.kind !== 'passphrase') throw malformed('wrapped recovery key')
  const cost = {
    memoryKiB: requireWhole(json.memoryKiB, MAX_MEMORY_KIB, 'memoryKiB'),
    passes: requireWhole(json.passes, MAX_PASSES, 'passes'),
    lanes: requireWhole(json.lanes, MAX_LANES, 'lanes'),
  }
  // A server that lowered the cost would make guesses cheap.
  if (cost.memoryKiB < MIN_MEMORY_KIB || cost.passes < 1 || cost.lanes < 1) throw malformed('cost')
  const salt = fromBase64url(requireText(json.salt))
  if (salt.length !== SALT_BYTES) throw malformed('salt')
  const secret = await argon2id(passphraseBytes(passphrase), salt, cost, KEY_BYTES)
  return recoveryKeyFromEntropy(await open(backend, secret, 'passphrase', owner, json), backend)
}

/**
 * Wraps a recovery key under what a passkey's PRF gives: JSON `{v: 1, kind: 'passkey', nonce, sealed}`.
 *
 * @param prf - 32 bytes of the WebAuthn extension `prf`; overwritten.
 */
export async function wrapWithPasskey(
  key: Pick<RecoveryKey, 'words'>,
  prf: Uint8Array,
  owner: RecoveryOwner,
  { backend = runtimeBackend }: RecoveryWrapOptions = {},
): Promise<string> {
  const secret = await passkeySecret(backend, prf)
  const head = { v: WRAP_VERSION, kind: 'passkey' }
  return JSON.stringify({ ...head, ...(await seal(backend, secret, 'passkey', owner, key.words)) })
}

/** @param prf - overwritten. Throws `INPUT_INVALID` on another passkey, `WIRE_MALFORMED`. */
export async function unwrapWithPasskey(
  wrapped: string,
  prf: Uint8Array,
  owner: RecoveryOwner,
  { backend = runtimeBackend }: RecoveryWrapOptions = {},
): Promise<RecoveryKey> {
  const json = requireMembers(parse(wrapped), ['v', 'kind', 'nonce', 'sealed'], 'wrapped recovery key')
  if (json.v !== WRAP_VERSION || json.kind !== 'passkey') throw malformed('wrapped recovery key')
  const secret = await passkeySecret(backend, prf)
  return recoveryKeyFromEntropy(await open(backend, secret, 'passkey', owner, json), backend)
}

async function passkeySecret(backend: CryptoBackend, prf: Uint8Array): Promise<Uint8Array> {
  if (prf.length !== PRF_OUTPUT_BYTES) throw new TypeError('a PRF gives 32 bytes')
  const extracted = await backend.hkdfExtract(LABEL, prf)
  const secret = await backend.hkdfExpand(extracted, PRF_INFO, KEY_BYTES)
  overwrite(prf, extracted)
  return secret
}

/** @param secret - overwritten. */
async function seal(
  backend: CryptoBackend,
  secret: Uint8Array,
  kind: string,
  owner: RecoveryOwner,
  words: string,
): Promise<{ nonce: string; sealed: string }> {
  const nonce = backend.randomBytes(NONCE_BYTES)
  const entropy = recoveryEntropy(words)
  const key = await backend.importAeadKey('aes-256-gcm', secret)
  const sealed = await key.seal(nonce, entropy, associatedData(kind, owner))
  overwrite(secret, entropy)
  return { nonce: toBase64url(nonce), sealed: toBase64url(sealed) }
}

/** @param secret - overwritten. */
async function open(
  backend: CryptoBackend,
  secret: Uint8Array,
  kind: string,
  owner: RecoveryOwner,
  json: Readonly<Record<string, unknown>>,
): Promise<Uint8Array> {
  const nonce = fromBase64url(requireText(json.nonce))
  const sealed = fromBase64url(requireText(json.sealed))
  if (nonce.length !== NONCE_BYTES) throw malformed('nonce')
  const key = await backend.importAeadKey('aes-256-gcm', secret)
  overwrite(secret)
  try {
    const entropy = await key.open(nonce, sealed, associatedData(kind, owner))
    if (entropy.length !== RECOVERY_ENTROPY_BYTES) throw malformed('wrapped recovery key')
    return entropy
  } catch {
    throw new KeyhavenError('INPUT_INVALID', `this ${kind} does not open the recovery key`)
  }
}

/** label u8 length | kind u8 length | application u16 length | username u16 length */
function associatedData(kind: string, { application, username }: RecoveryOwner): Uint8Array {
  return new Writer(256)
    .bytes8(LABEL)
    .bytes8(utf8(kind))
    .bytes16(utf8(application))
    .bytes16(utf8(username))
    .done()
}

/** One passphrase, however a keyboard composes it (RFC 8265 §4.2). */
const passphraseBytes = (passphrase: string): Uint8Array => utf8(passphrase.normalize('NFC'))

function requireText(value: unknown): string {
  if (typeof value !== 'string') throw malformed('wrapped recovery key')
  return value
}

function parse(wrapped: string): unknown {
  if (typeof wrapped !== 'string' || wrapped.length > MAX_WRAPPED_CHARACTERS)
    throw malformed('wrapped recovery key')
  try {
    return JSON.parse(wrapped)
  } catch {
    throw malformed('wrapped recovery key')
  }
}
