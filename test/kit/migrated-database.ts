import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseConfig } from '../../packages/server/src/platform/config/config.ts'
import { migrateDatabase } from '../../packages/server/src/platform/database/migrations.ts'
import { openDatabase } from '../../packages/server/src/platform/database/open-database.ts'
import type { Db } from '../../packages/server/src/platform/database/schema.ts'
import { startPostgres } from './postgres.ts'

const FILE = 'keyhaven.db'

let templateFile: Promise<Uint8Array> | undefined
let templateName: Promise<string> | undefined

/**
 * An SQLite database as the server's first start makes it: every table, nothing in them. It is made once and copied,
 * which takes a tenth of the time.
 *
 * @param folder - of the server's data.
 */
export async function createMigratedFile(folder: string): Promise<void> {
  templateFile ??= makeTemplateFile()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, FILE)
  await writeFile(file, await templateFile, { mode: 0o600 })
  await change({ dialect: 'sqlite', file }, newInstallation)
}

/** The same on PostgreSQL. */
export async function createMigratedDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const postgres = await startPostgres()
  templateName ??= postgres.createDatabase().then(async ({ url }) => {
    await change({ dialect: 'postgres', url }, migrateDatabase)
    return new URL(url).pathname.slice(1)
  })
  const database = await postgres.createDatabase(await templateName)
  await change({ dialect: 'postgres', url: database.url }, newInstallation)
  return database
}

async function makeTemplateFile(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-template-'))
  try {
    const file = join(folder, FILE)
    await change({ dialect: 'sqlite', file }, migrateDatabase)
    return await readFile(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function change(config: DatabaseConfig, work: (db: Db) => Promise<unknown>): Promise<void> {
  const { db, close } = await openDatabase(config)
  try {
    await work(db)
  } finally {
    await close()
  }
}

/** Two copies are two installations. */
function newInstallation(db: Db): Promise<unknown> {
  return db.updateTable('state_head').set({ installation: randomUUID() }).execute()
}
