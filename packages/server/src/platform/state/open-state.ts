import { randomUUID } from 'node:crypto'
import { backend } from '@keyhaven/crypto'
import { createKeyService } from '@keyhaven/keys'
import { loadApplicationKeys } from '../../keys/application-keys.ts'
import { createKeyCache } from '../../keys/create-key-cache.ts'
import { createKeyStore } from '../../keys/key-store.ts'
import { scheduleTicks } from '../../keys/schedule-ticks.ts'
import { absorbState } from '../anchor/absorb-state.ts'
import { checkAnchor, readStateHead } from '../anchor/check-anchor.ts'
import { anchorFile, openAnchor } from '../anchor/open-anchor.ts'
import { createAuditLog } from '../audit/create-audit-log.ts'
import type { Config } from '../config/config.ts'
import { migrateDatabase } from '../database/migrations.ts'
import type { OpenDatabase } from '../database/open-database.ts'
import { openDatabase } from '../database/open-database.ts'
import { openMasterKeys } from '../wrappers/open-master-keys.ts'
import { createManifestPositions } from './create-manifest-positions.ts'
import { createStateChanges } from './create-state-changes.ts'
import { listenForChanges } from './listen-for-changes.ts'
import { createTransactionRunner } from './run-transaction.ts'
import type { OpenStateOptions, State } from './state.ts'

const DEFAULT_CACHED_APPLICATIONS = 10_000

/**
 * Opens the database (making and migrating it), the master keyring and the anchor, and follows what other
 * processes change.
 *
 * @throws KeyhavenError `STATE_ROLLED_BACK` if the database is behind its anchor, `CONFIG_INVALID` with what
 *   to mend, `STORE_UNAVAILABLE`.
 */
export async function openState(config: Config, options: OpenStateOptions = {}): Promise<State> {
  const database = await openDatabase(config.database)
  const closers: (() => Promise<void> | void)[] = [() => database.close()]
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    return await assemble(config, options, database, closers, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function assemble(
  config: Config,
  options: OpenStateOptions,
  database: OpenDatabase,
  closers: (() => Promise<void> | void)[],
  close: () => Promise<void>,
): Promise<State> {
  const { db, dialect } = database
  const { clock = Date.now, onError = () => {} } = options
  await migrateDatabase(db)
  const anchor = openAnchor(anchorFile(config.masterKeyFile))
  closers.push(() => anchor.close())
  await checkAnchor(db, anchor)
  const wrapper = await openMasterKeys(db, dialect, config, clock())
  const head = await readStateHead(db)
  await absorbState(db, anchor)

  let absorbed = head.version
  let absorbing: Promise<void> | undefined
  const changes = createStateChanges({
    db,
    ...(database.reader && { reader: database.reader }),
    version: head.version,
    monotonic: () => performance.now(),
    onPoll: (error) => {
      if (error !== undefined) onError(error)
      if (error !== undefined || changes.version === absorbed) return
      absorbed = changes.version
      absorbing = Promise.all([absorbing, absorbState(db, anchor).catch(onError)]).then(() => undefined)
    },
  })
  closers.push(async () => {
    changes.stop()
    await absorbing
  })
  changes.onChange((applicationId) => {
    // Everything changed: perhaps the master key too.
    if (applicationId === undefined) tryTo(() => wrapper.reload(), onError)
  })
  if (config.database.dialect === 'postgres') {
    closers.push(await listenForChanges(config.database.url, () => changes.refresh().catch(onError)))
  }
  await changes.refresh()

  const transaction = createTransactionRunner({
    db,
    dialect,
    anchor,
    clock,
    useMasterKey: (masterKeyId) => wrapper.use(masterKeyId),
    announce: (applicationIds) => changes.announce(applicationIds),
  })
  const store = createKeyStore({ db, dialect, wrapper, transaction })
  const keys = createKeyService({ store, wrapper, backend, clock, newId: randomUUID })
  const keyCache = createKeyCache({
    load: (applicationId) => loadApplicationKeys(db, applicationId),
    keys,
    changes,
    clock,
    maxApplications: options.cachedApplications ?? DEFAULT_CACHED_APPLICATIONS,
  })
  if (options.schedule !== false) closers.push(scheduleTicks(keys, changes, clock, onError))
  return {
    config,
    db,
    dialect,
    wrapper,
    audit: createAuditLog(db),
    anchor,
    keys,
    keyCache,
    manifests: createManifestPositions(db, dialect),
    changes,
    restoredAt: head.restored_at,
    transaction,
    close,
  }
}

function tryTo(work: () => void, onError: (error: unknown) => void): void {
  try {
    work()
  } catch (error) {
    onError(error)
  }
}
