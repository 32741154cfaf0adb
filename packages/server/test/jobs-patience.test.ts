import { KeyhavenError } from '@keyhaven/crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES, type StateFixture } from '../../../test/kit/engines.ts'
import type { JobRunner } from '../src/platform/jobs/job.ts'
import { createJobs } from '../src/platform/jobs/jobs.ts'
import type { State } from '../src/platform/state/state.ts'

const QUEUE = 'test'
const APP = 'app-1'
const ATTEMPTS = 3
const PATIENCE_MS = 3_600_000
const MAX_WAIT_MS = 600_000
const SOON = { timeout: 60_000, interval: 5 }

describe.each(ENGINES)('jobs that wait for another server, on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  let now: number
  let runner: JobRunner | undefined
  let failures: unknown[]
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false })
    now = Date.now()
    failures = []
  })
  afterEach(async () => {
    await runner?.stop()
    await fixture.dispose()
  })

  const start = async (fails: () => unknown): Promise<void> => {
    const jobs = createJobs(state, () => now)
    await state.transaction((transaction) =>
      jobs.enqueue(transaction, { queue: QUEUE, applicationId: APP, payload: {}, notBefore: now }),
    )
    // In the tests' own time.
    await state.db.updateTable('identity_jobs').set({ created_at: now }).execute()
    runner = jobs.createJobRunner({
      ...{ queue: QUEUE, attempts: ATTEMPTS, poll: 5, maxBackoff: MAX_WAIT_MS },
      patience: (error) => (error instanceof KeyhavenError ? PATIENCE_MS : 0),
      onError: (error) => void failures.push(error),
      handler: async () => {
        const failure = fails()
        if (failure !== undefined) throw failure
      },
    })
  }
  const job = () => state.db.selectFrom('identity_jobs').selectAll().executeTakeFirst()
  /** Waits for the next failure, and until it is on record. @returns the job then. */
  const failed = async (count: number) => {
    await expect.poll(() => failures.length, SOON).toBe(count)
    await expect.poll(async () => (await job())?.lease, SOON).toBe('')
    return (await job())!
  }
  const away = () => new KeyhavenError('UPSTREAM_FAILED', 'nobody answers')

  test('their failures do not count for a time, and each wait is as long as all before', async () => {
    let heal = false
    await start(() => (heal ? undefined : away()))
    const waits: number[] = []
    for (let count = 1; count <= 4 * ATTEMPTS; count++) {
      const { state: where, not_before } = await failed(count)
      expect(where).toBe('waiting')
      waits.push(not_before - now)
      now = not_before
    }
    expect(waits.slice(0, 5)).toEqual([1_000, 1_000, 2_000, 4_000, 8_000])
    expect(Math.max(...waits)).toBe(MAX_WAIT_MS)
    heal = true
    await expect.poll(job, SOON).toBeUndefined()
  })

  test('when the time is over they count as any other', async () => {
    await start(away)
    await failed(1)
    now += PATIENCE_MS
    for (let count = 2; count <= ATTEMPTS; count++) now = (await failed(count)).not_before
    expect(await failed(ATTEMPTS + 1)).toMatchObject({ state: 'dead', attempts: ATTEMPTS })
  })

  test('failures of the job itself count as ever', async () => {
    await start(() => new Error('a fault'))
    for (let count = 1; count < ATTEMPTS; count++) now = (await failed(count)).not_before
    expect(await failed(ATTEMPTS)).toMatchObject({ state: 'dead', failure: 'INTERNAL' })
  })

  test('one that ended its process each time is dead, whatever is waited for', async () => {
    let ran = false
    await state.db.deleteFrom('identity_jobs').execute()
    const crashed = createJobs(state, () => now)
    await state.transaction((transaction) =>
      crashed.enqueue(transaction, { queue: QUEUE, applicationId: APP, payload: {}, notBefore: now }),
    )
    await state.db.updateTable('identity_jobs').set({ created_at: now, attempts: ATTEMPTS }).execute()
    runner = crashed.createJobRunner({
      ...{ queue: QUEUE, attempts: ATTEMPTS, poll: 5, patience: () => PATIENCE_MS },
      onError: (error) => void failures.push(error),
      handler: async () => {
        ran = true
      },
    })
    expect(await failed(1)).toMatchObject({ state: 'dead' })
    expect(ran).toBe(false)
  })
})
