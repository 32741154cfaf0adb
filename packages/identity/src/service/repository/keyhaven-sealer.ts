import {
  AEAD_KEY_BYTES,
  AEAD_NONCE_BYTES,
  type CryptoBackend,
  fromBase64url,
  fromUtf8,
  openFailed,
  overwrite,
  toBase64url,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import type { RecordSealer } from './ports.ts'

export const RECORD_SEAL_VERSION = 1
const TAG_LABEL = 'keyhaven identifier tag v1'
const DIGEST_LABEL = 'keyhaven record digest v1'
const KEY_LABEL = 'keyhaven record key v1'
const AAD_LABEL = 'keyhaven record v1'
const KEY_BYTES = AEAD_KEY_BYTES['aes-256-gcm']

/** 32 random bytes each, kept wrapped, never used for anything else. */
export interface RecordKeys {
  /** Keys the look-up tags and digests. */
  readonly tagKey: Uint8Array
  /** Every record's key comes from it. */
  readonly dataKey: Uint8Array
}

/**
 * Profile `keyhaven`: an identifier's tag is an HMAC, so that a stolen table without its key can be neither
 * searched nor guessed; every value is sealed under its record's key and opens only as what it was: the same
 * application, record, attribute and version.
 */
export function createKeyhavenSealer(
  backend: CryptoBackend,
  applicationId: string,
  keys: () => Promise<RecordKeys>,
): RecordSealer {
  const mac = async (label: string, ...parts: readonly Uint8Array[]): Promise<Uint8Array> => {
    const writer = new Writer().bytes8(utf8(label)).bytes8(utf8(applicationId))
    for (const part of parts) writer.u32(part.length).bytes(part)
    return backend.hmacSha256((await keys()).tagKey, writer.done())
  }

  const withKey = async <T>(
    record: string,
    use: (key: Awaited<ReturnType<CryptoBackend['importAeadKey']>>) => Promise<T>,
  ): Promise<T> => {
    const prk = await backend.hkdfExtract(utf8(record), (await keys()).dataKey)
    const info = new Writer().bytes8(utf8(KEY_LABEL)).bytes8(utf8(applicationId)).done()
    const key = await backend.hkdfExpand(prk, info, KEY_BYTES)
    try {
      return await use(await backend.importAeadKey('aes-256-gcm', key))
    } finally {
      overwrite(prk, key)
    }
  }
  const associated = (record: string, attribute: string) =>
    new Writer()
      .bytes8(utf8(AAD_LABEL))
      .bytes8(utf8('keyhaven'))
      .bytes8(utf8(applicationId))
      .bytes8(utf8(record))
      .bytes8(utf8(attribute))
      .done()

  // version u8 = 1 | nonce 12 random | AES-256-GCM ciphertext ‖ tag
  const seal = (record: string, attribute: string, plaintext: Uint8Array): Promise<Uint8Array> =>
    withKey(record, async (key) => {
      const nonce = backend.randomBytes(AEAD_NONCE_BYTES)
      const sealed = await key.seal(nonce, plaintext, associated(record, attribute))
      return new Writer(1 + nonce.length + sealed.length)
        .u8(RECORD_SEAL_VERSION)
        .bytes(nonce)
        .bytes(sealed)
        .done()
    })
  const open = (record: string, attribute: string, sealed: Uint8Array): Promise<Uint8Array> =>
    withKey(record, async (key) => {
      const dataAt = 1 + AEAD_NONCE_BYTES
      if (sealed[0] !== RECORD_SEAL_VERSION || sealed.length <= dataAt) {
        throw openFailed()
      }
      return key.open(sealed.subarray(1, dataAt), sealed.subarray(dataAt), associated(record, attribute))
    })

  return {
    tag: async (id) => toBase64url(await mac(TAG_LABEL, utf8(id))),
    sealId: async (record, place, id) => toBase64url(await seal(record, place, utf8(id))),
    openId: async (record, place, sealed) => fromUtf8(await open(record, place, fromBase64url(sealed))),
    sealIdentity: (record, version, json) => seal(record, `identity/${version}`, json),
    openIdentity: (record, version, sealed) => open(record, `identity/${version}`, sealed),
    sealFile: (record, { category, ref }, bytes) => seal(record, `${category}/${ref}`, bytes),
    openFile: (record, { category, ref }, sealed) => open(record, `${category}/${ref}`, sealed),
    digest: async (record, plaintext) => toBase64url(await mac(DIGEST_LABEL, utf8(record), plaintext)),
    folder: ({ record }) => record,
  }
}
