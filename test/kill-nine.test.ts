import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { State } from '../packages/server/src/platform/state/state.ts'
import type { StateFixture } from './kit/engines.ts'
import { createStateFixture, ENGINES } from './kit/engines.ts'
import { killWorkers } from './kit/killed-worker.ts'

/** `npm run soak` asks for more. */
const KILLS = Number(process.env.SOAK_KILLS ?? 30)
/** What a worker says at most before it is killed: up to some five changes. */
const MAX_LINES = 8
/** About as long as one change takes. */
const OPERATION_MS = 12
const WORKER = fileURLToPath(new URL('fixtures/change-keys.ts', import.meta.url))
const TIMEOUT_PER_KILL_MS = 5_000
const TIMEOUT_MS = Math.max(240_000, KILLS * TIMEOUT_PER_KILL_MS)

/** What killed workers said they had been answered. */
interface Acknowledged {
  readonly added: Set<string>
  readonly revoked: Set<string>
  count: number
}

describe.each(ENGINES)(`kill -9 during key operations on $name`, (engine) => {
  let fixture: StateFixture
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
  })
  afterEach(() => fixture.dispose())

  test(
    `${KILLS} times: no half-made key, no lost audit entry, no acknowledged-revoked key alive`,
    async () => {
      const acknowledged: Acknowledged = { added: new Set(), revoked: new Set(), count: 0 }
      const cutInside = await killWorkers(fixture, {
        kills: KILLS,
        worker: WORKER,
        maxLines: MAX_LINES,
        operationMs: OPERATION_MS,
        done: ([, operation, id = '']) => {
          acknowledged.count++
          if (operation === 'add') acknowledged.added.add(id)
          if (operation === 'revoke') acknowledged.revoked.add(id)
        },
        check: (state) => check(state, acknowledged),
      })
      expect(acknowledged.count).toBeGreaterThan(KILLS / 2)
      expect(cutInside).toBeGreaterThan(0)
      process.stdout.write(
        `kill -9 on ${engine.name}: ${KILLS} kills, ${cutInside} inside an operation, ` +
          `${acknowledged.count} acknowledged changes, ${acknowledged.revoked.size} revocations, nothing lost\n`,
      )
    },
    TIMEOUT_MS,
  )
})

async function check(state: State, known: Acknowledged): Promise<void> {
  const keys = await state.db.selectFrom('managed_keys').selectAll().execute()
  const entries = await state.db.selectFrom('audit_entries').selectAll().orderBy('sequence').execute()
  expect(await state.audit.verify()).toMatchObject({ valid: true, entries: entries.length })
  const subjects = (action: string) =>
    new Set(entries.filter((entry) => entry.action === action).map((entry) => entry.subject))
  const [added, revoked] = [subjects('key.add'), subjects('key.revoke')]
  const stored = new Map(keys.map((key) => [key.id, key]))

  // What was answered is there, and what is there was logged: no more, no less.
  for (const id of known.added) expect(stored.has(id)).toBe(true)
  for (const id of known.revoked) expect(stored.get(id)?.state).toBe('revoked')
  expect(new Set(stored.keys())).toEqual(added)
  expect(new Set(keys.filter((key) => key.state === 'revoked').map((key) => key.id))).toEqual(revoked)

  // The anchor has caught up with every revocation, also one whose answer was cut off.
  expect(new Set([...state.anchor.revokedKeys()].map((key) => key.id))).toEqual(revoked)

  for (const key of keys) {
    expect(key.wrapped_private_key === null).toBe(key.state === 'revoked')
    const steps = (JSON.parse(key.history) as { state: string }[]).map((step) => step.state)
    expect(steps.at(-1)).toBe(key.state)
  }
  for (const applicationId of new Set(keys.map((key) => key.application_id))) {
    const ofApplication = keys.filter((key) => key.application_id === applicationId)
    const live = ofApplication.filter((key) => key.state !== 'revoked')
    expect(new Set(live.map((key) => key.key_id)).size).toBe(live.length)
    expect(live.filter((key) => key.state === 'active').length).toBeLessThanOrEqual(1)
    for (const key of live) {
      expect(await state.keyCache.find(applicationId, key.key_id ?? -1)).toMatchObject({
        id: key.id,
        privateKey: {},
      })
    }
    for (const key of ofApplication) {
      if (live.some((other) => other.key_id === key.key_id)) continue
      expect(await state.keyCache.find(applicationId, key.key_id ?? -1)).toMatchObject({ state: 'revoked' })
    }
  }
}
