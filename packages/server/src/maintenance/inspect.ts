import { existsSync } from 'node:fs'
import type { ErrorCode } from '@keyhaven/crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import { compareWithAnchor, readStateHead } from '../platform/anchor/check-anchor.ts'
import { anchoredLogs, compareLogs } from '../platform/anchor/check-logs.ts'
import { anchorExists, anchorFile, openAnchor } from '../platform/anchor/open-anchor.ts'
import { verifyAuditLog } from '../platform/audit/verify-audit-log.ts'
import type { Config } from '../platform/config/config.ts'
import { appliedMigrations, MIGRATIONS } from '../platform/database/migrations.ts'
import { openDatabase } from '../platform/database/open-database.ts'
import type { Db } from '../platform/database/schema.ts'
import { readMasterKeyIds } from '../platform/wrappers/master-keyring.ts'
import { keyringLocation } from '../platform/wrappers/open-master-keys.ts'
import type { LongWork } from './long-work.ts'

/** What was found out about one part of the state. */
export interface Finding {
  readonly part: 'database' | 'schema' | 'master key' | 'anchor' | 'audit log'
  /** `new`: it is not there yet and the first start makes it. `old`: the next start brings it up to date. */
  readonly state: 'good' | 'new' | 'old' | 'bad'
  readonly detail: string
  /** Of a bad one. */
  readonly code?: ErrorCode
}

/**
 * Looks at the state without changing it, also while a server runs: nothing is made, nothing is migrated.
 *
 * @param work.onProgress - of the audit log's check, entry by entry.
 */
export async function inspect(
  config: Pick<Config, 'database' | 'masterKeyFile' | 'masterPassphraseFile'>,
  work: LongWork = {},
): Promise<readonly Finding[]> {
  const { database } = config
  if (database.dialect === 'sqlite' && !existsSync(database.file)) {
    return [
      { part: 'database', state: 'new', detail: `${database.file} is not there yet` },
      await finding('master key', () => inspectMasterKey(config, '')),
    ]
  }
  const opened: { db?: Db; close?: () => Promise<void> } = {}
  const reached = await finding('database', async () => {
    const { db, close } = await openDatabase(database)
    Object.assign(opened, { db, close })
    await db.introspection.getTables()
    return { state: 'good', detail: database.dialect === 'sqlite' ? database.file : 'PostgreSQL answers' }
  })
  try {
    if (reached.state !== 'good' || opened.db === undefined) return [reached]
    return [reached, ...(await inspectDatabase(opened.db, config, work))]
  } finally {
    await opened.close?.()
  }
}

async function inspectDatabase(
  db: Db,
  config: Pick<Config, 'masterKeyFile' | 'masterPassphraseFile'>,
  work: LongWork,
): Promise<Finding[]> {
  const schema = await finding('schema', () => inspectSchema(db))
  if (schema.state === 'new') {
    return [schema, await finding('master key', () => inspectMasterKey(config, ''))]
  }
  if (schema.state === 'bad') return [schema]
  return [
    schema,
    await finding('master key', async () =>
      inspectMasterKey(config, (await readStateHead(db)).master_key_id),
    ),
    await finding('anchor', () => inspectAnchor(db, config.masterKeyFile)),
    await finding('audit log', async () => {
      const verdict = await verifyAuditLog(db, work)
      if (verdict.valid) return { state: 'good', detail: `${verdict.entries} entries, the chain holds` }
      const place = verdict.brokenAt === undefined ? '' : ` at entry ${verdict.brokenAt}`
      return { state: 'bad', detail: `the chain is broken${place}: ${verdict.reason ?? 'no reason known'}` }
    }),
  ]
}

async function inspectSchema(db: Db): Promise<Omit<Finding, 'part'>> {
  const tables = await db.introspection.getTables()
  if (!tables.some((table) => table.name === 'state_head')) {
    return { state: 'new', detail: 'the database is empty' }
  }
  const applied = await appliedMigrations(db)
  const unknown = applied.filter((name) => !(name in MIGRATIONS))
  if (unknown.length > 0) {
    const detail = `the database was made by a newer version (${unknown.join(', ')}): use that version`
    return { state: 'bad', detail, code: 'UNSUPPORTED' }
  }
  const missing = Object.keys(MIGRATIONS).filter((name) => !applied.includes(name))
  if (missing.length > 0) return { state: 'old', detail: `${missing.length} migrations to apply` }
  return { state: 'good', detail: `${applied.length} migrations applied` }
}

/** @param expected - id of the master key that the database was bound to, empty if there is none yet. */
async function inspectMasterKey(
  config: Pick<Config, 'masterKeyFile' | 'masterPassphraseFile'>,
  expected: string,
): Promise<Omit<Finding, 'part'>> {
  const file = config.masterKeyFile
  const masterKeyIds = readMasterKeyIds(keyringLocation(config))
  if (masterKeyIds === undefined && expected === '')
    return { state: 'new', detail: `${file} is not there yet` }
  if (masterKeyIds === undefined) {
    const detail = `${file} is missing, and the database's keys are wrapped under it: put it back`
    return { state: 'bad', detail, code: 'CONFIG_INVALID' }
  }
  if (expected !== '' && !masterKeyIds.includes(expected)) {
    const detail = `${file} is another installation's: put the keyring with master key ${expected} there`
    return { state: 'bad', detail, code: 'CONFIG_INVALID' }
  }
  return { state: 'good', detail: file }
}

async function inspectAnchor(db: Db, masterKeyFile: string): Promise<Omit<Finding, 'part'>> {
  const file = anchorFile(masterKeyFile)
  const head = await readStateHead(db)
  if (!anchorExists(file)) {
    if (head.version === 0 && head.audit_sequence === 0)
      return { state: 'new', detail: `${file} is not there yet` }
    return { state: 'bad', detail: `${file} is missing`, code: 'STATE_ROLLED_BACK' }
  }
  const anchor = openAnchor(file)
  try {
    const anchored = anchor.head()
    if (anchored === undefined) return { state: 'new', detail: `${file} is empty` }
    const logs = anchoredLogs(anchor)
    // Read after the anchor: a running server commits first, then advances it.
    const behind = await compareWithAnchor(db, await readStateHead(db), anchored)
    const difference = behind ?? (await compareLogs(db, logs))
    if (difference !== undefined) return { state: 'bad', detail: difference, code: 'STATE_ROLLED_BACK' }
    const andLogs =
      logs.length === 0 ? '' : `, and ${logs.length} ${logs.length === 1 ? 'log' : 'logs'} as published`
    return {
      state: 'good',
      detail: `the database holds its audit entry ${anchored.auditHead.sequence}${andLogs}`,
    }
  } finally {
    anchor.close()
  }
}

async function finding(part: Finding['part'], look: () => Promise<Omit<Finding, 'part'>>): Promise<Finding> {
  try {
    return { part, ...(await look()) }
  } catch (error) {
    if (!(error instanceof KeyhavenError)) throw error
    return { part, state: 'bad', detail: error.message, code: error.code }
  }
}
