import { backend, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { emptyRoot, encodeLeaf } from '@keyhaven/directory/log'
import type { State } from '../../platform/state/state.ts'
import { appendLeaves } from './append-leaves.ts'
import { LOG_KEY_PURPOSES, loadLogKeys } from './log-keys.ts'

/** What begins a log's name, unless the operator has chosen another. */
const DEFAULT_ORIGIN = 'keyhaven.local'
/** Enough of the installation's id that two installations' logs differ. */
const INSTALLATION_DIGITS = 12
const BY = { actor: 'system', reason: 'first use of the directory' }

/**
 * Makes an application's keys and its log with leaf 0, once: another process that does so at the same time waits, and
 * then finds it.
 *
 * @throws KeyhavenError `NOT_FOUND` if there is no such application.
 */
export async function createLog(state: State, applicationId: string): Promise<void> {
  await state.transaction(async (transaction) => {
    const { db } = transaction
    const application = await db
      .selectFrom('applications')
      .select('id')
      .where('id', '=', applicationId)
      .where('is_system', '=', 0)
      .executeTakeFirst()
    if (application === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no such application')
    const origin = await originOf(state, transaction.db, applicationId)
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('log_heads')
      .values({
        application_id: applicationId,
        origin,
        size: 0,
        peaks: new Uint8Array(),
        root: await emptyRoot(backend),
        checkpoint: '',
        checkpoint_at: 0,
      })
      .onConflict((conflict) => conflict.column('application_id').doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows !== 1n) return
    for (const purpose of LOG_KEY_PURPOSES) {
      await state.keys.addSigningKey({ applicationId, purpose }, { ...BY, transaction })
    }
    const keys = await loadLogKeys(state, applicationId, transaction)
    if (keys === undefined) throw new TypeError('the log was just made')
    const authorityKey = { kty: 'OKP', crv: 'Ed25519', x: String(keys.authority.publicKey.jwk.x) } as const
    const leaf = encodeLeaf({
      kind: 'parameters',
      application: applicationId,
      origin,
      vrfKey: toBase64url(keys.vrfPublicKey),
      authorityKey,
    })
    await appendLeaves(transaction, state.dialect, applicationId, keys, [leaf])
    state.audit.append(transaction, {
      actor: BY.actor,
      action: 'directory.create',
      applicationId,
      detail: { origin, verifierKey: keys.verifierKey },
    })
    transaction.changed(applicationId)
  })
}

async function originOf(
  state: State,
  db: Pick<State['db'], 'selectFrom'>,
  applicationId: string,
): Promise<string> {
  const prefix = state.config.directory.logOrigin
  if (prefix !== undefined) return `${prefix}/${applicationId}`
  const { installation } = await db
    .selectFrom('state_head')
    .select('installation')
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
  const digits = installation.replaceAll('-', '').slice(0, INSTALLATION_DIGITS)
  return `${DEFAULT_ORIGIN}/${digits}/${applicationId}`
}
