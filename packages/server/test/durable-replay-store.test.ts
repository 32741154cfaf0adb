import { createMemoryReplayStore, type ReplayEntry } from '@keyhaven/channel/gateway'
import { backend } from '@keyhaven/crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES, type StateFixture } from '../../../test/kit/engines.ts'
import { newRequestId } from '../../../test/kit/raw-envelope.ts'
import { createDurableReplayStore } from '../src/channel/durable-replay-store.ts'
import { createDatabaseReplayStore, MAX_BURNED_HASHES } from '../src/channel/replay-database.ts'
import type { State } from '../src/platform/state/state.ts'

const MINUTE_MS = 60_000

function aheadEntry(): ReplayEntry {
  return {
    applicationId: 'demo',
    encapsulatedKey: backend.randomBytes(32),
    requestId: newRequestId(),
    expiresAt: Date.now() + 10 * MINUTE_MS,
  }
}

describe.each(ENGINES)('a store that forgets, with the database behind it, on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  beforeAll(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false })
  })
  afterAll(() => fixture.dispose())

  /** As a process has it that has just started. */
  const start = () =>
    createDurableReplayStore(
      createMemoryReplayStore(),
      createDatabaseReplayStore(state, Date.now),
      state,
      Date.now,
    )

  test('a request burned before a restart does not run after it', async () => {
    const entry = aheadEntry()
    const before = await start()
    expect(await before.burn?.(entry)).toBe(true)
    expect(await before.burn?.(entry)).toBe(false)
    const after = await start()
    expect(await after.has(entry)).toBe(true)
    expect(await after.insert(entry)).toBe(false)
    expect(await after.insert({ ...entry, encapsulatedKey: backend.randomBytes(32) })).toBe(false)
    expect(await after.insert(aheadEntry())).toBe(true)
  })

  test('another process learns of it', async () => {
    const [one, two] = [await start(), await start()]
    const entry = aheadEntry()
    await one.burn?.(entry)
    await two.refresh()
    expect(await two.insert(entry)).toBe(false)
  })

  test('requests dated ahead do not fill it: beyond a number they are not remembered, and others still run', async () => {
    const expires_at = Date.now() + 10 * MINUTE_MS
    for (let made = 0; made < MAX_BURNED_HASHES; made += 10_000) {
      const rows = Array.from({ length: 10_000 }, () => ({ entry_hash: backend.randomBytes(32), expires_at }))
      await state.db.insertInto('replay_entries').values(rows).execute()
    }
    const store = await start()
    expect(await store.burn?.(aheadEntry())).toBeUndefined()
    expect(await store.insert(aheadEntry())).toBe(true)
    await state.db.deleteFrom('replay_entries').where('expires_at', '=', expires_at).execute()
    await store.refresh()
    expect(await store.burn?.(aheadEntry())).toBe(true)
  })
})
