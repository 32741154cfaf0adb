import {
  type AeadName,
  aeadById,
  KDF_HKDF_SHA256,
  KEM_IDS,
  KEM_PUBLIC_KEY_BYTES,
  type KemName,
  KeyhavenError,
  kemById,
  Reader,
  Writer,
} from '@keyhaven/crypto'

/** Bytes of a whole list of key configurations. */
export const KEY_CONFIG_LIST_MAX_BYTES = 65_536
/** Key configurations in one list. */
export const KEY_CONFIG_LIST_MAX_KEYS = 32
/** Bytes of one pair of KDF and AEAD identifiers. */
const SYMMETRIC_ALGORITHM_BYTES = 4
const SYMMETRIC_ALGORITHMS_MAX_BYTES = 65_532
/** Key identifier, KEM identifier. */
const KEY_CONFIG_HEAD_BYTES = 3

/** HPKE identifiers (RFC 9180 §7.2, §7.3); unknown ones are kept, since they mean nothing bad. */
export interface SymmetricAlgorithms {
  readonly kdf: number
  readonly aead: number
}

/** One key configuration (RFC 9458 §3.1). Layout: docs/formats.md, "Key configuration". */
export interface KeyConfig {
  /** 0 to 255, unique among the live keys of an application. */
  readonly keyId: number
  readonly kem: KemName
  /** As HPKE serialises it. */
  readonly publicKey: Uint8Array
  /** Preferred first, at least one. */
  readonly symmetric: readonly SymmetricAlgorithms[]
}

// key id u8 | KEM id u16 | public key, as long as the KEM says | length u16 of: (KDF id u16, AEAD id u16)…
/** @throws TypeError on a value that does not fit its field. */
export function encodeKeyConfig(config: KeyConfig): Uint8Array<ArrayBuffer> {
  if (config.publicKey.length !== KEM_PUBLIC_KEY_BYTES[config.kem]) throw new TypeError('public key length')
  if (config.symmetric.length === 0) throw new TypeError('key configuration without algorithms')
  const writer = new Writer().u8(config.keyId).u16(KEM_IDS[config.kem]).bytes(config.publicKey)
  writer.u16(config.symmetric.length * SYMMETRIC_ALGORITHM_BYTES)
  for (const { kdf, aead } of config.symmetric) writer.u16(kdf).u16(aead)
  return writer.done()
}

/**
 * @throws KeyhavenError `UNSUPPORTED` on a KEM that we do not have (its key length is not known, so nothing
 *   after it can be read), `WIRE_MALFORMED` otherwise.
 */
export function decodeKeyConfig(bytes: Uint8Array): KeyConfig {
  const reader = new Reader(bytes)
  const keyId = reader.u8()
  const kem = kemById(reader.u16())
  if (kem === undefined) throw new KeyhavenError('UNSUPPORTED', 'KEM of a key configuration')
  const publicKey = reader.bytes(KEM_PUBLIC_KEY_BYTES[kem])
  const algorithms = new Reader(reader.bytes16(SYMMETRIC_ALGORITHMS_MAX_BYTES))
  reader.end()
  const symmetric: SymmetricAlgorithms[] = []
  do symmetric.push({ kdf: algorithms.u16(), aead: algorithms.u16() })
  while (algorithms.remaining > 0)
  return { keyId, kem, publicKey, symmetric }
}

// (length u16, key configuration)…
/** The body of `application/ohttp-keys` (RFC 9458 §3.2): preferred first. */
export function encodeKeyConfigList(configs: readonly KeyConfig[]): Uint8Array<ArrayBuffer> {
  const writer = new Writer()
  for (const config of configs) writer.bytes16(encodeKeyConfig(config))
  return writer.done()
}

/**
 * Skips configurations with a KEM that we do not have. @throws KeyhavenError `WIRE_MALFORMED`,
 * `WIRE_TOO_LARGE`.
 */
export function decodeKeyConfigList(bytes: Uint8Array): KeyConfig[] {
  if (bytes.length > KEY_CONFIG_LIST_MAX_BYTES)
    throw new KeyhavenError('WIRE_TOO_LARGE', 'key configurations')
  const reader = new Reader(bytes)
  const configs: KeyConfig[] = []
  for (let count = 1; reader.remaining > 0; count++) {
    if (count > KEY_CONFIG_LIST_MAX_KEYS)
      throw new KeyhavenError('WIRE_TOO_LARGE', 'number of key configurations')
    const config = reader.bytes16(KEY_CONFIG_LIST_MAX_BYTES)
    if (config.length < KEY_CONFIG_HEAD_BYTES)
      throw new KeyhavenError('WIRE_MALFORMED', 'key configuration is cut')
    if (kemById(new Reader(config.subarray(1)).u16()) !== undefined) configs.push(decodeKeyConfig(config))
  }
  return configs
}

/** The AEADs of a configuration that we have, with our KDF, preferred first. */
export function supportedAeads(config: KeyConfig): AeadName[] {
  return config.symmetric.flatMap(({ kdf, aead }) => {
    const name = kdf === KDF_HKDF_SHA256 ? aeadById(aead) : undefined
    return name === undefined ? [] : [name]
  })
}
