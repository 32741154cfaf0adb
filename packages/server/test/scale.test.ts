import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import type { State } from '../src/platform/state/state.ts'

/* What each costs as the tables grow is measured by `npm run bench -- --only key-lookup`. */

describe.each(ENGINES)('many applications on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  beforeAll(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false })
  })
  afterAll(() => fixture.dispose())

  test('no query on the way of a call, a change or a poll reads a whole table', async () => {
    const queries = [
      state.db
        .selectFrom('managed_keys')
        .selectAll()
        .where('application_id', '=', 'app-5')
        .orderBy('ordinal', 'desc'),
      state.db
        .selectFrom('managed_keys')
        .select('application_id')
        .where('state', '=', sql.lit('pending'))
        .where('activate_at', '<=', 5),
      state.db
        .selectFrom('managed_keys')
        .select('application_id')
        .where('end_at', 'is not', null)
        .where('end_at', '<=', 5)
        .where('state', '!=', sql.lit('revoked')),
      state.db.selectFrom('state_changes').selectAll().where('version', '>', 5).orderBy('version').limit(9),
      state.db.selectFrom('manifests').selectAll().where('application_id', '=', 'app-5'),
      state.db
        .selectFrom('audit_entries')
        .selectAll()
        .where('action', '=', 'key.add')
        .orderBy('sequence', 'desc')
        .limit(5),
      state.db
        .selectFrom('audit_entries')
        .selectAll()
        .where('actor', '=', 'x')
        .orderBy('sequence', 'desc')
        .limit(5),
      state.db
        .selectFrom('audit_entries')
        .selectAll()
        .where('application_id', '=', 'x')
        .orderBy('sequence', 'desc')
        .limit(5),
      state.db
        .selectFrom('audit_entries')
        .select('sequence')
        .where('at', '>=', 5)
        .orderBy('at')
        .orderBy('sequence')
        .limit(1),
      state.db
        .selectFrom('managed_keys')
        .select('id')
        .where('master_key_id', 'is not', null)
        .where('master_key_id', '!=', 'x')
        .orderBy('master_key_id')
        .orderBy('id')
        .limit(5),
    ]
    for (const query of queries) {
      const plan = await state.db.connection().execute(async (db) => {
        // PostgreSQL prefers to scan a table that is small; forbidden, it shows whether an index serves.
        for (const way of engine.dialect === 'postgres' ? ['seqscan', 'bitmapscan', 'sort'] : []) {
          await sql.raw(`set enable_${way} = off`).execute(db)
        }
        const explain = engine.dialect === 'postgres' ? 'explain ' : 'explain query plan '
        const { sql: text, parameters } = query.compile()
        const { rows } = await db.executeQuery<object>({
          ...query.compile(),
          sql: explain + text,
          parameters,
        })
        return JSON.stringify(rows)
      })
      expect(plan).toMatch(/index/i)
      expect(plan).not.toMatch(/Seq Scan|SCAN \w+"|Sort|TEMP B-TREE/)
    }
  })
})
