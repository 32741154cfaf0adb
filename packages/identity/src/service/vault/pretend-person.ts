import { fromUtf8, overwrite } from '@keyhaven/crypto'
import type { IdaProfile } from './ida-profile.ts'
import type { StoredIdaRecord } from './ida-store.ts'
import type { IdaVault } from './ida-vault.ts'
import type { IdaVaultOptions } from './ida-vault-options.ts'
import type { Pool } from './pool.ts'

/** No hash and no tag: nobody is stored under it. */
export const NOBODY = 'nobody'
/** Texts have few lengths; more than this many are not kept. */
const MAX_KEPT_LENGTHS = 16

/** {@link IdaVault.pretend}. While there is no pool key there is nobody, either, and nothing to pretend. */
export function createPretence(
  options: IdaVaultOptions,
  pool: Pool,
  profile: IdaProfile,
): IdaVault['pretend'] {
  const { partner, store } = options
  const lookUp = profile.decoy()
  const record: StoredIdaRecord = {
    ...{ idHash: lookUp.idHash, credentialId: NOBODY, partner, policy: '', token: NOBODY, state: 'active' },
    ...{ issuedAt: 0, stateAt: 0, expiresAt: null, transactionsLeft: null },
    ...{ generation: 0, oprfKey: lookUp.oprfKey, revision: 0 },
  }
  const sealedByLength = new Map<number, string>()

  const sealedOf = async (bytes: number): Promise<string | undefined> => {
    const kept = sealedByLength.get(bytes)
    if (kept !== undefined) return kept
    const key = await store.anyOfNewest(0)
    if (key === undefined) return undefined
    const poolKey = await pool.open(key.index)
    try {
      const place = { index: key.index, poolKey }
      const sealed = await lookUp.seal(record, NOBODY, new Uint8Array(bytes).fill(0x20), place)
      if (sealedByLength.size < MAX_KEPT_LENGTHS) sealedByLength.set(bytes, sealed)
      return sealed
    } finally {
      overwrite(poolKey)
    }
  }

  return async (attributes) => {
    await store.attributeNames(record.idHash)
    await store.attributes(
      record.idHash,
      attributes.map(({ name }) => name),
    )
    for (const { bytes } of attributes) {
      const sealed = await sealedOf(bytes)
      if (sealed === undefined) continue
      const text = await lookUp.open(record, NOBODY, sealed)
      fromUtf8(text)
      overwrite(text)
    }
    // As re-encryption on use asks, whenever something was opened.
    if (attributes.length > 0) await store.generations()
  }
}
