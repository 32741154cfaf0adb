import { AEAD_IDS, type AeadName, KDF_HKDF_SHA256, type KemPrivateKey } from '@keyhaven/crypto'
import type { KeyConfig } from '../wire/key-config.ts'
import type { GatewayKey, GatewayKeys } from './ports.ts'

const DEFAULT_AEADS: readonly AeadName[] = ['aes-256-gcm', 'aes-128-gcm', 'chacha20-poly1305']

export interface StaticGatewayKey {
  /** 0 to 255, unique in the list. */
  readonly keyId: number
  /** Absent: revoked. */
  readonly privateKey?: KemPrivateKey
  /** Default `active`; only active keys are advertised. */
  readonly state?: 'pending' | 'active' | 'retiring'
  /** Default: all three. */
  readonly aeads?: readonly AeadName[]
}

/**
 * Fixed keys, for a gateway inside a backend that has no key server.
 *
 * @param keys - newest first.
 * @param applicationId - the only one whose calls they open. Were they those of every id, a call could be
 *   sent again under another, and would run again there.
 */
export function staticGatewayKeys(keys: readonly StaticGatewayKey[], applicationId: string): GatewayKeys {
  const byId = new Map<number, GatewayKey>()
  const configs: KeyConfig[] = []
  for (const { keyId, privateKey, state = 'active', aeads = DEFAULT_AEADS } of keys) {
    if (byId.has(keyId)) throw new TypeError('key ids must be unique')
    if (privateKey === undefined) {
      byId.set(keyId, { keyId, state: 'revoked', aeads })
      continue
    }
    byId.set(keyId, { keyId, state, privateKey, aeads })
    if (state !== 'active') continue
    const symmetric = aeads.map((aead) => ({ kdf: KDF_HKDF_SHA256, aead: AEAD_IDS[aead] }))
    configs.push({ keyId, kem: privateKey.kem, publicKey: privateKey.publicKey.bytes, symmetric })
  }
  const mine = (id: string) => id === applicationId
  return {
    find: (id, keyId) => (mine(id) ? byId.get(keyId) : undefined),
    keyConfigs: (id) => (mine(id) ? configs : undefined),
  }
}
