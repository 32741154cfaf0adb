import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TILE_WIDTH, tilePath } from '@keyhaven/directory/log'
import type { Db } from '../../platform/database/schema.ts'

/** An accepted entry as it lies beside its leaf: what a rolled back database has lost of a user's chain. */
export interface LogRecord {
  readonly index: number
  readonly username: string
  readonly signUp: string
  readonly sequence: number
  readonly kind: string
  /** Compact JWS. */
  readonly entry: string
  /** Base64url, like the opening. */
  readonly hash: string
  readonly acceptance: string
  readonly opening: string
  /** Milliseconds. */
  readonly acceptedAt: number
}

/** The file that holds the records of one bundle's entries. */
export function recordFile(place: string, index: number): string {
  const path = tilePath({ level: 'entries', index, width: TILE_WIDTH })
  return join(place, path.replace('tile/entries/', 'records/'))
}

/** The records of the leaves from `from` to `to`, not included, as lines; a cut line before them stays apart. */
export async function readRecordLines(
  db: Db,
  applicationId: string,
  from: number,
  to: number,
): Promise<Buffer> {
  const rows = await db
    .selectFrom('directory_entries')
    .innerJoin('directory_users', (join) =>
      join
        .onRef('directory_users.application_id', '=', 'directory_entries.application_id')
        .onRef('directory_users.username', '=', 'directory_entries.username'),
    )
    .selectAll('directory_entries')
    .select('sign_up')
    .where('directory_entries.application_id', '=', applicationId)
    .where('log_index', '>=', from)
    .where('log_index', '<', to)
    .orderBy('log_index')
    .execute()
  const lines = rows.map((row) => {
    const record: LogRecord = {
      index: row.log_index,
      username: row.username,
      signUp: row.sign_up,
      sequence: row.sequence,
      kind: row.kind,
      entry: Buffer.from(row.entry).toString('latin1'),
      hash: Buffer.from(row.entry_hash).toString('base64url'),
      acceptance: row.acceptance,
      opening: Buffer.from(row.opening).toString('base64url'),
      acceptedAt: row.accepted_at,
    }
    return `\n${JSON.stringify(record)}`
  })
  return Buffer.from(lines.join(''))
}

/** Records of leaves from `from` on, by the leaf's position; a line that a crash cut is left out. */
export async function readLogRecords(
  folder: string,
  applicationId: string,
  from: number,
): Promise<ReadonlyMap<number, LogRecord>> {
  const place = join(folder, applicationId)
  const records = new Map<number, LogRecord>()
  for (let index = Math.floor(from / TILE_WIDTH); existsSync(bundleOf(place, index)); index++) {
    const file = recordFile(place, index)
    if (!existsSync(file)) continue
    for (const line of (await readFile(file, 'utf8')).split('\n')) {
      const record = parse(line)
      if (record !== undefined && record.index >= from) records.set(record.index, record)
    }
  }
  return records
}

function bundleOf(place: string, index: number): string {
  return join(place, tilePath({ level: 'entries', index, width: TILE_WIDTH }))
}

function parse(line: string): LogRecord | undefined {
  if (line === '') return undefined
  try {
    return JSON.parse(line) as LogRecord
  } catch {
    return undefined
  }
}
