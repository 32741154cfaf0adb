import { KeyhavenError } from '@keyhaven/crypto'
import type { Migration } from 'kysely/migration'
import { Migrator } from 'kysely/migration'
import { applicationSchema } from '../../applications/schema.ts'
import { channelSchema } from '../../channel/schema.ts'
import { conversationsSchema } from '../../conversations/schema.ts'
import { directorySchema } from '../../directory/schema.ts'
import { fileSchema } from '../../files/schema.ts'
import { backfillSchema } from '../../identity/backfill/schema.ts'
import { credentialSchema } from '../../identity/credentials/schema.ts'
import { identityDatashareSchema } from '../../identity/datashare/schema.ts'
import { identityEventsSchema } from '../../identity/events/schema.ts'
import { idaSchema } from '../../identity/ida/schema.ts'
import { identityKeySchema } from '../../identity/keys/schema.ts'
import { oprfSchema } from '../../identity/oprf/schema.ts'
import { identityPartnersSchema } from '../../identity/partners/schema.ts'
import { registrationSchema } from '../../identity/registration/schema.ts'
import { repositorySchema } from '../../identity/repository/schema.ts'
import { vaultSchema } from '../../identity/vault/schema.ts'
import { keysSchema } from '../../keys/keys-schema.ts'
import { messagingSchema } from '../../messaging/schema.ts'
import { authSchema } from '../auth/schema.ts'
import { jobSchema } from '../jobs/schema.ts'
import type { FeatureSchema, TableInfo } from './feature-schema.ts'
import { platformSchema } from './platform-schema.ts'
import type { Db } from './schema.ts'
import { toStoreError } from './store-error.ts'

/** Every feature that has tables, in the order in which rows can be inserted. */
const FEATURES: readonly FeatureSchema[] = [
  platformSchema,
  applicationSchema,
  keysSchema,
  channelSchema,
  authSchema,
  directorySchema,
  messagingSchema,
  conversationsSchema,
  fileSchema,
  identityKeySchema,
  jobSchema,
  repositorySchema,
  registrationSchema,
  vaultSchema,
  oprfSchema,
  credentialSchema,
  backfillSchema,
  identityPartnersSchema,
  identityDatashareSchema,
  identityEventsSchema,
  idaSchema,
]

/** All tables but the migrator's own. */
export const TABLES: readonly TableInfo[] = FEATURES.flatMap((feature) => feature.tables)

/** The one set of migrations that both engines run, in the order of their names. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = collect()

/**
 * Brings the tables up to date; each step is undone whole if it is cut.
 *
 * @param names - only these migrations: the state in which an older backup was taken.
 * @throws KeyhavenError `STORE_UNAVAILABLE`, `CONFIG_INVALID` if the database is newer than this program.
 */
export async function migrateDatabase(db: Db, names?: readonly string[]): Promise<void> {
  const wanted = Object.entries(MIGRATIONS).filter(([name]) => names === undefined || names.includes(name))
  if (!db.isTransaction && (await isUpToDate(db, Object.keys(MIGRATIONS)))) return
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => Object.fromEntries(wanted) },
    // A later feature may bring a name that sorts before what has run already.
    allowUnorderedMigrations: true,
  })
  const { error } = await migrator.migrateToLatest()
  if (error === undefined) return
  if (error instanceof Error && error.message.includes('corrupted migrations')) {
    throw new KeyhavenError('CONFIG_INVALID', 'the database was made by a newer version of this program', {
      cause: error,
    })
  }
  throw toStoreError(error)
}

/** One query instead of the migrator's dozen: what nearly every start finds. */
async function isUpToDate(db: Db, names: readonly string[]): Promise<boolean> {
  try {
    const applied = await appliedMigrations(db)
    return applied.length === names.length && names.every((name) => applied.includes(name))
  } catch (error) {
    if (error instanceof KeyhavenError) throw error
    return false // a new database has no such table
  }
}

/** Names of the migrations that have run. */
export async function appliedMigrations(db: Db): Promise<readonly string[]> {
  const rows = await db
    .withTables<{ kysely_migration: { name: string } }>()
    .selectFrom('kysely_migration')
    .select('name')
    .orderBy('name')
    .execute()
  return rows.map((row) => row.name)
}

function collect(): Record<string, Migration> {
  const all: Record<string, Migration> = {}
  for (const feature of FEATURES) {
    for (const [name, migration] of Object.entries(feature.migrations)) {
      if (name in all) throw new TypeError(`two migrations are named ${name}`)
      all[name] = migration
    }
  }
  return all
}
