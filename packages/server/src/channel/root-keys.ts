import { backend, jwkThumbprint } from '@keyhaven/crypto'
import type { ManagedKey, ManagedSigningKey } from '@keyhaven/keys'
import { isLive } from '@keyhaven/keys'
import type { State, StateTransaction } from '../platform/state/state.ts'
import { ed25519Jwk } from './signing-key-jwk.ts'

/** A root key that this server holds, and the name by which apps ship it. */
export interface RootKey {
  readonly thumbprint: string
  readonly key: ManagedSigningKey
}

/** RFC 7638. */
export async function rootThumbprint(key: Pick<ManagedKey, 'publicKey'>): Promise<string> {
  return jwkThumbprint(backend, ed25519Jwk(key.publicKey))
}

/**
 * The root keys that can sign and that apps ship, in the order of the application's thumbprints: the first
 * one signs. After a recovery the root may be revoked again while the database still names it: then the spare
 * is the first.
 */
export async function readLiveRoots(
  state: State,
  applicationId: string,
  transaction?: StateTransaction,
): Promise<readonly RootKey[]> {
  const row = await (transaction?.db ?? state.db)
    .selectFrom('applications')
    .select('root_thumbprints')
    .where('id', '=', applicationId)
    .executeTakeFirst()
  const shipped = JSON.parse(row?.root_thumbprints ?? '[]') as string[]
  const keys = await state.keys.list(applicationId, 'root-signing', transaction)
  const live: RootKey[] = []
  for (const key of keys) {
    if (key.purpose === 'e2e' || !isLive(key)) continue
    const thumbprint = await rootThumbprint(key)
    if (shipped.includes(thumbprint)) live.push({ thumbprint, key })
  }
  return live.sort((a, b) => shipped.indexOf(a.thumbprint) - shipped.indexOf(b.thumbprint))
}
