import { KeyhavenError, overwrite, toBase64url, utf8 } from '@keyhaven/crypto'
import type { Recipient } from '../../mosip/session-key.ts'
import { drawPoolIndex } from '../../vault/pool-index.ts'
import { encodeRandomKey } from '../../vault/random-key.ts'
import type { IssuerVault, SealedGroup } from './issuer-vault.ts'
import type { Pool } from './pool.ts'
import type { IssuerVaultOptions } from './vault-options.ts'

/**
 * Steps 3 to 6: draws a pool key of the newest generation, encrypts each attribute with `seal`, and wraps the
 * pool key for the IDA.
 */
export async function sealGroup(
  { backend }: IssuerVaultOptions,
  pool: Pool,
  recipients: readonly Recipient[],
  attributes: ReadonlyMap<string, string>,
  seal: (poolKey: Uint8Array, index: number, name: string, plaintext: Uint8Array) => Promise<Uint8Array>,
): Promise<SealedGroup> {
  if (recipients.length === 0) {
    throw new KeyhavenError('NOT_FOUND', 'no certificate of the IDA (IDA/CRED_SERVICE) is known here')
  }
  const index = drawPoolIndex(backend, await pool.newest())
  const poolKey = await pool.open(index)
  try {
    const values = new Map<string, string>()
    for (const [name, value] of attributes) {
      const plaintext = utf8(value)
      values.set(name, toBase64url(await seal(poolKey, index, name, plaintext)))
      overwrite(plaintext)
    }
    const parts = await Promise.all(
      recipients.map(async ({ thumbprint, publicKey }) => ({
        thumbprint,
        wrapped: await backend.rsa.encryptOaep(publicKey, poolKey),
      })),
    )
    return { values, encryptedRandomKey: encodeRandomKey(parts, toBase64url), index }
  } finally {
    overwrite(poolKey)
  }
}

/** What issuers of both profiles do alike. */
export function createPoolCare(
  { store }: IssuerVaultOptions,
  pool: Pool,
): Pick<IssuerVault, 'profile' | 'status' | 'createPool' | 'rotatePool' | 'conflicts' | 'closeConflict'> {
  return {
    profile: store.profile,
    async status() {
      const [generations, openConflicts] = await Promise.all([store.generations(), store.openConflicts()])
      return { profile: store.profile, generations, openConflicts }
    },
    createPool: (actor) => pool.make(0, actor),
    async rotatePool(actor) {
      const [newest] = await store.generations()
      if (newest === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no pool of keys yet')
      return pool.make(newest.generation + 1, actor)
    },
    conflicts: (page) => store.conflicts(page),
    closeConflict: (id, actor, reason) => store.closeConflict(id, actor, reason),
  }
}
