import { decodeDelegation, signDelegation, verifyDelegation } from '@keyhaven/channel'
import type { Jwk } from '@keyhaven/crypto'
import { backend, jwkThumbprint, KeyhavenError } from '@keyhaven/crypto'
import type { Actor } from '@keyhaven/keys'
import type { State, StateTransaction } from '../platform/state/state.ts'
import { readLiveRoots, rootThumbprint } from './root-keys.ts'
import { ed25519Jwk } from './signing-key-jwk.ts'

/** An online root signs for this long, and again when half of it is over. */
export const ONLINE_DELEGATION_SECONDS = 90 * 24 * 3_600
/** How far a root may raise the epoch at once: a mistyped date must not use up the numbers. */
const MAX_EPOCH_STEP = 1_000
const MS_PER_SECOND = 1_000

export type TrustMode = 'online' | 'offline'

export interface Trust {
  readonly mode: TrustMode
  /** RFC 7638 thumbprints that apps ship: the present root first, then the spare. */
  readonly rootThumbprints: readonly string[]
  readonly epoch: number
  readonly sequence: number
  /** Public JWK of the key that signs manifests. */
  readonly manifestKey: Jwk
  /** Milliseconds; null while no delegation is installed. */
  readonly delegationExpiresAt: number | null
}

/**
 * Makes what the clients of a new application trust: a manifest key and, unless somebody else holds the root,
 * a root key and a spare one.
 */
export async function beginTrust(
  state: State,
  transaction: StateTransaction,
  applicationId: string,
  offlineThumbprints: readonly string[] | undefined,
): Promise<{ mode: TrustMode; rootThumbprints: readonly string[] }> {
  const by = { actor: 'system', transaction }
  await state.keys.addSigningKey({ applicationId, purpose: 'manifest-signing' }, by)
  let rootThumbprints = offlineThumbprints
  if (!rootThumbprints) {
    const input = { applicationId, purpose: 'root-signing' } as const
    const root = await state.keys.addSigningKey(input, by)
    const spare = await state.keys.addSigningKey({ ...input, spare: true }, by)
    rootThumbprints = [await rootThumbprint(root), await rootThumbprint(spare)]
  }
  await transaction.db
    .insertInto('manifest_publications')
    .values({
      application_id: applicationId,
      delegation: '',
      delegation_epoch: 0,
      delegation_expires_at: 0,
      manifest: '',
      manifest_content: '',
      manifest_issued_at: 0,
    })
    .execute()
  return { mode: offlineThumbprints ? 'offline' : 'online', rootThumbprints }
}

/** @throws KeyhavenError `NOT_FOUND`. */
export async function readTrust(
  state: State,
  applicationId: string,
  transaction?: StateTransaction,
): Promise<Trust> {
  const db = transaction?.db ?? state.db
  const row = await db
    .selectFrom('applications')
    .innerJoin('manifest_publications', 'application_id', 'id')
    .select(['trust_mode', 'root_thumbprints', 'delegation', 'delegation_expires_at'])
    .where('id', '=', applicationId)
    .executeTakeFirst()
  const manifestKey = await state.keys.signingKey(applicationId, 'manifest-signing', transaction)
  if (!row || !manifestKey) throw new KeyhavenError('NOT_FOUND', 'there is no such application')
  const position = await state.manifests.get(applicationId, transaction)
  return {
    mode: row.trust_mode === 'offline' ? 'offline' : 'online',
    rootThumbprints: JSON.parse(row.root_thumbprints) as string[],
    epoch: position.epoch,
    sequence: position.sequence,
    manifestKey: ed25519Jwk(manifestKey.key.publicKey),
    delegationExpiresAt: row.delegation === '' ? null : row.delegation_expires_at,
  }
}

/** A delegation by the root key that this server holds, for its present manifest key. */
export async function signOnlineDelegation(
  state: State,
  transaction: StateTransaction,
  applicationId: string,
  epoch: number,
): Promise<{ delegation: string; expiresAt: number }> {
  const [root] = await readLiveRoots(state, applicationId, transaction)
  const manifest = await state.keys.signingKey(applicationId, 'manifest-signing', transaction)
  if (!root || !manifest) {
    throw new KeyhavenError('MANIFEST_INVALID', 'the application has no root key or no manifest key')
  }
  const issued = Math.floor(transaction.now / MS_PER_SECOND)
  const expires = issued + ONLINE_DELEGATION_SECONDS
  const delegation = await signDelegation(backend, await state.keys.importSigningKey(root.key), {
    application: applicationId,
    epoch,
    key: ed25519Jwk(manifest.key.publicKey),
    issued,
    expires,
  })
  return { delegation, expiresAt: expires * MS_PER_SECOND }
}

/**
 * Installs what an offline root signed. A higher epoch overrides every manifest of the epochs before.
 *
 * @throws KeyhavenError `CONFLICT` (the server holds the root itself, an older epoch, another manifest key),
 *   and what `verifyDelegation` throws.
 */
export function installDelegation(
  state: State,
  applicationId: string,
  delegation: string,
  actor: Actor,
): Promise<Trust> {
  return state.transaction(async (transaction) => {
    const trust = await readTrust(state, applicationId, transaction)
    if (trust.mode === 'online') {
      throw new KeyhavenError(
        'CONFLICT',
        'the root key of this application is on the server and signs by itself',
      )
    }
    const signed = await verifyDelegation(backend, delegation, {
      application: applicationId,
      rootThumbprints: trust.rootThumbprints,
      now: Math.floor(transaction.now / MS_PER_SECOND),
    })
    if (signed.key.x !== trust.manifestKey.x) {
      throw new KeyhavenError(
        'CONFLICT',
        'the delegation names another manifest key: ask for the present one',
      )
    }
    if (signed.epoch < trust.epoch || signed.epoch > trust.epoch + MAX_EPOCH_STEP) {
      throw new KeyhavenError('CONFLICT', `epoch: must be ${trust.epoch} or a little above`)
    }
    for (let epoch = trust.epoch; epoch < signed.epoch; epoch++) {
      await state.manifests.raiseEpoch(applicationId, transaction)
    }
    const root = await jwkThumbprint(backend, decodeDelegation(delegation).rootKey)
    await transaction.db
      .updateTable('manifest_publications')
      .set({
        delegation,
        delegation_epoch: signed.epoch,
        delegation_expires_at: signed.expires * MS_PER_SECOND,
        manifest_content: '',
      })
      .where('application_id', '=', applicationId)
      .execute()
    transaction.changed(applicationId)
    state.audit.append(transaction, {
      actor,
      action: 'delegation.install',
      applicationId,
      subject: root,
      detail: { epoch: signed.epoch, expires: signed.expires },
    })
    return readTrust(state, applicationId, transaction)
  })
}
