import { fromUtf8, KeyhavenError, openFailed, overwrite, toBase64 } from '@keyhaven/crypto'
import { fromAnyBase64 } from '../../mosip/base64.ts'
import type { SessionKeyOpener } from '../../mosip/session-key.ts'
import type { VaultIdentifier } from '../../vault/credential-event.ts'
import { idHash, idHashModulo } from '../../vault/id-hash.ts'
import {
  mosipAttributeIndex,
  openMosipAttribute,
  sealMosipAttribute,
  withMosipKey,
} from '../../vault/mosip-attribute.ts'
import type {
  ZkAttribute,
  ZkDecryptResponse,
  ZkEncryptResponse,
  ZkReEncryptResponse,
  ZkRequest,
} from '../../vault/zk-messages.ts'
import type { IssuerVault } from './issuer-vault.ts'
import { openRandomKey } from './open-random-key.ts'
import { createPool } from './pool.ts'
import { createPoolCare, sealGroup } from './seal-group.ts'
import type { IssuerVaultOptions } from './vault-options.ts'

/** The calls of MOSIP's key manager; they are the same at issuer and IDA. */
export interface ZkService {
  /** @throws KeyhavenError `INPUT_INVALID` on an empty value, `NOT_FOUND` without a certificate. */
  zkEncrypt(request: ZkRequest): Promise<ZkEncryptResponse>
  /** @throws KeyhavenError `OPEN_FAILED`, whatever does not open. */
  zkDecrypt(request: ZkRequest): Promise<ZkDecryptResponse>
  /** @throws KeyhavenError `OPEN_FAILED` if no part is for a key of ours. */
  zkReEncryptRandomKey(encryptedKey: string): Promise<ZkReEncryptResponse>
}

export interface MosipVaultOptions extends IssuerVaultOptions {
  /** The salt of a modulo, 0 to 999; made when first asked for. */
  readonly salt: (modulo: number) => Promise<string>
  /** Opens pool keys that were wrapped for us (K22). */
  readonly opener: SessionKeyOpener
}

/** Zero-knowledge encryption byte for byte as MOSIP 1.2 does it. */
export function createMosipVault(options: MosipVaultOptions): IssuerVault & ZkService {
  const { backend } = options
  const pool = createPool(options)

  const seal = (id: string, partner: string | undefined, attributes: ReadonlyMap<string, string>) =>
    options
      .recipients(partner)
      .then((recipients) =>
        sealGroup(options, pool, recipients, attributes, (poolKey, index, _name, plaintext) =>
          withMosipKey(backend, poolKey, id, (key) => sealMosipAttribute(backend, key, index, plaintext)),
        ),
      )

  const identifier = async (id: string): Promise<VaultIdentifier> => {
    const modulo = await idHashModulo(backend, id)
    const salt = await options.salt(modulo)
    return { idHash: await idHash(backend, id, salt), modulo, salt }
  }

  return {
    ...createPoolCare(options, pool),

    oprfKey: async () => null,
    identifiers: async (id) => [await identifier(id)],
    async subject(id) {
      return {
        identifier: await identifier(id),
        seal: (place, attributes) => seal(id, place.partner, attributes),
        close() {}, // the id is all that this profile derives from
      }
    },

    async zkEncrypt({ id, zkDataAttributes }) {
      const attributes = new Map(zkDataAttributes.map(({ identifier, value }) => [identifier, value]))
      if (attributes.size !== zkDataAttributes.length || attributes.size === 0) {
        throw new KeyhavenError(
          'INPUT_INVALID',
          'zkDataAttributes: one value for each identifier, at least one',
        )
      }
      const sealed = await seal(id, undefined, attributes)
      return {
        zkDataAttributes: [...sealed.values].map(([identifier, value]) => ({ identifier, value })),
        encryptedRandomKey: sealed.encryptedRandomKey,
        rankomKeyIndex: String(sealed.index),
      }
    },

    async zkDecrypt({ id, zkDataAttributes }) {
      const opened: ZkAttribute[] = []
      for (const { identifier, value } of zkDataAttributes) {
        opened.push({ identifier, value: await openText(id, value) })
      }
      return { zkDataAttributes: opened }
    },

    async zkReEncryptRandomKey(encryptedKey) {
      const key = await openRandomKey(options.opener, encryptedKey)
      try {
        return { encryptedKey: toBase64(await (await options.masterKey()).wrapEcb(key)) }
      } finally {
        overwrite(key)
      }
    },
  }

  /** An index without a key is no other failure than a wrong key. */
  async function openText(id: string, value: string): Promise<string> {
    try {
      const bytes = fromAnyBase64(value)
      const poolKey = await pool.open(mosipAttributeIndex(bytes))
      try {
        return fromUtf8(
          await withMosipKey(backend, poolKey, id, (key) => openMosipAttribute(backend, key, bytes)),
        )
      } finally {
        overwrite(poolKey)
      }
    } catch (error) {
      throw asOpenFailed(error)
    }
  }
}

const SAME_FAILURE: readonly string[] = ['WIRE_MALFORMED', 'NOT_FOUND', 'OPEN_FAILED']

/** Whatever says that a value does not open looks the same from outside; faults stay what they are. */
export function asOpenFailed(error: unknown): unknown {
  return error instanceof KeyhavenError && SAME_FAILURE.includes(error.code) ? openFailed() : error
}
