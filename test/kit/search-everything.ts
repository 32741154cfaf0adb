import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { createSearch } from '../../tools/demo/search-many.ts'
import type { StateFixture } from './engines.ts'

/**
 * Looks for secrets, as they are, in hex and in Base64, in every file of a server and in every row of its database.
 *
 * @param logs - what it wrote elsewhere.
 */
export async function searchEverything(
  fixture: StateFixture,
  logs: readonly string[],
  secrets: readonly string[],
): Promise<{ readonly found: number; readonly bytes: number }> {
  const files = readdirSync(fixture.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
  const rows = fixture.config.database.dialect === 'postgres' ? await readRows(fixture) : []
  return createSearch(secrets)([...files, ...rows, ...logs.map((log) => Buffer.from(log))])
}

/** Of every table, column by column. */
async function readRows(fixture: StateFixture): Promise<Buffer[]> {
  const state = await fixture.open({ schedule: false })
  try {
    const cells: Buffer[] = []
    for (const { name } of await state.db.introspection.getTables()) {
      const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(name)}`.execute(state.db)
      for (const cell of rows.flatMap((row) => Object.values(row))) {
        if (cell !== null)
          cells.push(cell instanceof Uint8Array ? Buffer.from(cell) : Buffer.from(String(cell)))
      }
    }
    return cells
  } finally {
    await state.close()
  }
}
