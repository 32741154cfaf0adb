import type { GatewayKeys, KeyConfig } from '@keyhaven/channel/gateway'
import { AEAD_IDS, KDF_HKDF_SHA256 } from '@keyhaven/crypto'
import type { State } from '../platform/state/state.ts'

/**
 * The keys of the key server, as a gateway asks for them.
 *
 * @param serves - which applications this gateway opens for; a key of any other is unknown to it.
 */
export function createGatewayKeys(state: State, serves: (applicationId: string) => boolean): GatewayKeys {
  return {
    find: (applicationId, keyId) =>
      serves(applicationId) ? state.keyCache.find(applicationId, keyId) : undefined,
    async keyConfigs(applicationId) {
      if (!serves(applicationId)) return undefined
      const keys = await state.keyCache.advertised(applicationId)
      if (keys.length === 0) return undefined
      return keys.map(
        (key): KeyConfig => ({
          keyId: key.keyId,
          kem: key.suite.kem,
          publicKey: key.publicKey,
          symmetric: [{ kdf: KDF_HKDF_SHA256, aead: AEAD_IDS[key.suite.aead] }],
        }),
      )
    },
  }
}
