import type { CryptoBackend } from '@keyhaven/crypto'
import {
  AEAD_KEY_BYTES,
  AEAD_NONCE_BYTES,
  KeyhavenError,
  overwrite,
  Reader,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { MAX_POOL_INDEX } from './pool-index.ts'

export const VAULT_ATTRIBUTE_VERSION = 1
const SALT_BYTES = 32
const HEADER_BYTES = 1 + 4 + 4 + SALT_BYTES
const KEY_LABEL = 'keyhaven vault attribute key v1'
const AAD_LABEL = 'keyhaven vault attribute v1'

/** Where an attribute belongs: it opens in no other place. Layout: docs/formats.md, "Vault attribute". */
export interface VaultPlace {
  /** The tenant. */
  readonly application: string
  /** The credential's id: the same attribute in another record does not open. */
  readonly record: string
  /** Partner id of the IDA that it was issued to. */
  readonly partner: string
  /** The policy under which it was shared. */
  readonly policy: string
  /** `fullName`, `Face`, `Finger_Left Thumb`. */
  readonly attribute: string
}

/** What an attribute's header names, in clear but authenticated. */
export interface VaultHeader {
  /** Of the pool key. */
  readonly index: number
  /** Version of the key of the oblivious PRF. */
  readonly oprfKey: number
}

/** The two secrets that an attribute's key is made of; none alone is enough. */
export interface VaultSecrets {
  /** ZKn, 32 bytes. */
  readonly poolKey: Uint8Array
  /** From the oblivious PRF's output for the person's id, 32 bytes. */
  readonly personKey: Uint8Array
}

type Backend = Pick<CryptoBackend, 'randomBytes' | 'hkdfExtract' | 'hkdfExpand' | 'importAeadKey'>

// version u8 = 1 | pool key index u32 | OPRF key version u32 | salt: 32 random | AES-256-GCM ciphertext ‖ tag: 16
/**
 * Seals one attribute. Key and nonce come from HKDF-SHA-256 over both secrets with the fresh salt, so that no
 * key is used twice; the associated data binds profile, place and header.
 */
export async function sealVaultAttribute(
  backend: Backend,
  secrets: VaultSecrets,
  header: VaultHeader,
  place: VaultPlace,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  const head = new Writer(HEADER_BYTES)
    .u8(VAULT_ATTRIBUTE_VERSION)
    .u32(header.index)
    .u32(header.oprfKey)
    .bytes(backend.randomBytes(SALT_BYTES))
    .done()
  const sealed = await withKey(backend, secrets, head, async (key, nonce) =>
    (await backend.importAeadKey('aes-256-gcm', key)).seal(nonce, plaintext, associatedData(head, place)),
  )
  return new Writer(head.length + sealed.length).bytes(head).bytes(sealed).done()
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function readVaultHeader(bytes: Uint8Array): VaultHeader {
  const reader = new Reader(bytes)
  if (reader.u8() !== VAULT_ATTRIBUTE_VERSION) throw new KeyhavenError('WIRE_MALFORMED', 'vault attribute')
  const header = { index: reader.u32(), oprfKey: reader.u32() }
  if (header.index > MAX_POOL_INDEX) throw new KeyhavenError('WIRE_MALFORMED', 'vault attribute')
  return header
}

/** @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
export async function openVaultAttribute(
  backend: Backend,
  secrets: VaultSecrets,
  place: VaultPlace,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  if (bytes.length < HEADER_BYTES) throw new KeyhavenError('OPEN_FAILED', 'cannot be opened')
  const head = bytes.subarray(0, HEADER_BYTES)
  return withKey(backend, secrets, head, async (key, nonce) =>
    (await backend.importAeadKey('aes-256-gcm', key)).open(
      nonce,
      bytes.subarray(HEADER_BYTES),
      associatedData(head, place),
    ),
  )
}

async function withKey<T>(
  backend: Backend,
  { poolKey, personKey }: VaultSecrets,
  head: Uint8Array,
  use: (key: Uint8Array, nonce: Uint8Array) => Promise<T>,
): Promise<T> {
  const material = new Writer(poolKey.length + personKey.length).bytes(poolKey).bytes(personKey).done()
  const salt = head.subarray(HEADER_BYTES - SALT_BYTES)
  const prk = await backend.hkdfExtract(salt, material)
  const length = AEAD_KEY_BYTES['aes-256-gcm'] + AEAD_NONCE_BYTES
  const info = new Writer().bytes8(utf8(KEY_LABEL)).bytes(head).done()
  const bytes = await backend.hkdfExpand(prk, info, length)
  try {
    const key = bytes.subarray(0, AEAD_KEY_BYTES['aes-256-gcm'])
    return await use(key, bytes.subarray(key.length))
  } finally {
    overwrite(material, prk, bytes)
  }
}

function associatedData(head: Uint8Array, place: VaultPlace): Uint8Array {
  const writer = new Writer().bytes8(utf8(AAD_LABEL)).bytes8(utf8('keyhaven')).bytes(head)
  for (const part of [place.application, place.partner, place.policy, place.record, place.attribute]) {
    writer.bytes16(utf8(part))
  }
  return writer.done()
}
