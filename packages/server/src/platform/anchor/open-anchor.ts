import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { openSqliteFile } from '../database/sqlite-file.ts'
import { toStoreError } from '../database/store-error.ts'
import type { Anchor, AnchorAdvance, AnchorHead } from './anchor.ts'

const ANCHOR_FILE = 'anchor.db'
const TABLES = `
create table if not exists head (
  id integer primary key check (id = 1), installation text not null, version integer not null,
  audit_sequence integer not null, audit_hash blob not null);
create table if not exists revoked (id text primary key, application_id text not null) without rowid;
create table if not exists manifests (
  application_id text primary key, epoch integer not null, sequence integer not null) without rowid;
create table if not exists logs (
  application_id text primary key, size integer not null, root blob not null) without rowid;`

/** The anchor lies in the master key's folder. */
export function anchorFile(masterKeyFile: string): string {
  return join(dirname(masterKeyFile), ANCHOR_FILE)
}

export function anchorExists(file: string): boolean {
  return existsSync(file)
}

/** Opens or makes an anchor: a small SQLite file, so that several processes advance it safely. */
export function openAnchor(file: string): Anchor {
  const database = openSqliteFile(file)
  guard(() => database.exec(TABLES))
  const selectHead = database.prepare(
    'select installation, version, audit_sequence as sequence, audit_hash as hash from head where id = 1',
  )
  const insertHead = database.prepare(
    `insert into head values (1, ?, ?, ?, ?) on conflict (id) do update set
       installation = excluded.installation, version = excluded.version,
       audit_sequence = excluded.audit_sequence, audit_hash = excluded.audit_hash`,
  )
  const insertRevoked = database.prepare('insert into revoked values (?, ?) on conflict do nothing')
  const insertManifest = database.prepare(
    `insert into manifests values (?, ?, ?) on conflict (application_id) do update set
       epoch = excluded.epoch, sequence = excluded.sequence
     where (excluded.epoch, excluded.sequence) > (manifests.epoch, manifests.sequence)`,
  )
  const insertLog = database.prepare(
    `insert into logs values (?, ?, ?) on conflict (application_id) do update set
       size = excluded.size, root = excluded.root
     where excluded.size > logs.size`,
  )
  const setLog = database.prepare(
    `insert into logs values (?, ?, ?) on conflict (application_id) do update set
       size = excluded.size, root = excluded.root`,
  )

  const head = (): AnchorHead | undefined => {
    const row = selectHead.get() as
      | { installation: string; version: number; sequence: number; hash: Uint8Array }
      | undefined
    if (row === undefined) return undefined
    const { installation, version, sequence, hash } = row
    return { installation, version, auditHead: { sequence, hash } }
  }

  const write = (installation: string, advance: AnchorAdvance, forward: boolean): void =>
    transaction(database, () => {
      const present = forward ? head() : undefined
      for (const key of advance.revoked) insertRevoked.run(key.id, key.applicationId)
      for (const { applicationId, epoch, sequence } of advance.manifests) {
        insertManifest.run(applicationId, epoch, sequence)
      }
      for (const { applicationId, size, root } of advance.logs ?? []) {
        const statement = forward ? insertLog : setLog
        statement.run(applicationId, size, root)
      }
      const known = present?.auditHead
      const auditHead =
        known !== undefined && known.sequence >= advance.auditHead.sequence ? known : advance.auditHead
      const version = Math.max(present?.version ?? 0, advance.version)
      if (present !== undefined && auditHead === known && version === present.version) return
      insertHead.run(installation, version, auditHead.sequence, auditHead.hash)
    })

  return {
    head: () => guard(head),
    advance: (installation, advance) => guard(() => write(installation, advance, true)),
    reset: (installation, advance) => guard(() => write(installation, advance, false)),
    revokedKeys: () =>
      rows(database, 'select id, application_id as applicationId from revoked', (row) => ({
        id: String(row.id),
        applicationId: String(row.applicationId),
      })),
    manifests: () =>
      rows(database, 'select application_id as applicationId, epoch, sequence from manifests', (row) => ({
        applicationId: String(row.applicationId),
        epoch: Number(row.epoch),
        sequence: Number(row.sequence),
      })),
    logs: () =>
      rows(database, 'select application_id as applicationId, size, root from logs', (row) => ({
        applicationId: String(row.applicationId),
        size: Number(row.size),
        root: row.root as Uint8Array,
      })),
    close: () => {
      if (database.isOpen) database.close()
    },
  }
}

function* rows<T>(
  database: DatabaseSync,
  sql: string,
  map: (row: Record<string, unknown>) => T,
): Generator<T> {
  for (const row of database.prepare(sql).iterate()) yield map(row as Record<string, unknown>)
}

function transaction(database: DatabaseSync, work: () => void): void {
  database.exec('begin immediate')
  try {
    work()
    database.exec('commit')
  } catch (error) {
    if (database.isTransaction) database.exec('rollback')
    throw error
  }
}

function guard<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw toStoreError(error)
  }
}
