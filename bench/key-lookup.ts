import { randomUUID } from 'node:crypto'
import type { State } from '../packages/server/src/platform/state/state.ts'
import { createStateFixture, ENGINES } from '../test/kit/engines.ts'
import { measuredRow, type Row, targetRow } from './row.ts'

const SUITE = { kem: 'x25519', aead: 'aes-256-gcm' } as const
const TABLE_SIZES = [1_000, 100_000, 1_000_000] as const
const ROWS_PER_INSERT = 1_000
const LOOKUPS = 500
/** Less than the look-ups of one measurement, so that each of them misses. */
const CACHED_APPLICATIONS = 50
/** A scan would cost a thousand times as much; a B-tree has one level more at most. */
const MAX_GROWTH = 2
const MICROSECONDS_PER_MILLISECOND = 1_000

/**
 * The keys of an application that is not in memory, looked up in a table of 10³, 10⁵ and 10⁶ applications.
 */
export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  for (const engine of ENGINES) {
    const fixture = await createStateFixture(engine)
    try {
      const state = await fixture.open({ schedule: false, cachedApplications: CACHED_APPLICATIONS })
      let filled = 0
      let smallest: number | undefined
      for (const size of TABLE_SIZES) {
        await fill(state, filled, size)
        filled = size
        await lookUpMicroseconds(state, size)
        const value = await lookUpMicroseconds(state, size)
        const name = `key look-up on ${engine.name}, not in memory, ${size} applications`
        rows.push(
          smallest === undefined
            ? measuredRow(name, value, 'µs')
            : targetRow(
                { name, value, unit: 'µs', reference: { name: 'smallest table', value: smallest } },
                value / smallest,
                { atMost: MAX_GROWTH },
              ),
        )
        smallest ??= value
      }
    } finally {
      await fixture.dispose()
    }
  }
  return rows
}

/** Rows like that of a real key; only their private part belongs to another one, and no look-up opens it. */
async function fill(state: State, from: number, to: number): Promise<void> {
  const input = { applicationId: `real-${from}`, suite: SUITE }
  const key = await state.keys.addE2eKey(input, { actor: 'bench' })
  const row = await state.db
    .selectFrom('managed_keys')
    .selectAll()
    .where('id', '=', key.id)
    .executeTakeFirstOrThrow()
  for (let start = from; start < to; start += ROWS_PER_INSERT) {
    const rows = Array.from({ length: Math.min(ROWS_PER_INSERT, to - start) }, (_, index) => ({
      ...row,
      id: randomUUID(),
      application_id: `app-${start + index}`,
    }))
    await state.db.insertInto('managed_keys').values(rows).execute()
  }
}

/** Median. */
async function lookUpMicroseconds(state: State, applications: number): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < LOOKUPS; n++) {
    const applicationId = `app-${Math.floor((n * applications) / LOOKUPS)}`
    const start = performance.now()
    await state.keyCache.live(applicationId)
    times.push((performance.now() - start) * MICROSECONDS_PER_MILLISECOND)
  }
  return times.sort((a, b) => a - b)[LOOKUPS >> 1]!
}
