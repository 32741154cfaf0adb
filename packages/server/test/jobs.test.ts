import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { KeyhavenError } from '@keyhaven/crypto'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import type { Job, JobRunner, JobRunnerOptions } from '../src/platform/jobs/job.ts'
import { createJobs, type Jobs } from '../src/platform/jobs/jobs.ts'
import type { State } from '../src/platform/state/state.ts'

const QUEUE = 'test'
const APP = 'app-1'
const QUICK = { poll: 20, backoff: 5 }
const SOON = { timeout: 60_000 }
const MS_PER_SECOND = 1_000
const LEASE_MS = 60
/** Which no machine sleeps through. */
const LONG_LEASE_MS = 60_000
const STEPS_PER_LEASE = 6
const WORKER = fileURLToPath(new URL('fixtures/hold-a-job.ts', import.meta.url))

describe.each(ENGINES)('jobs on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  let jobs: Jobs
  let runners: JobRunner[]
  let failures: unknown[]
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false })
    jobs = createJobs(state, Date.now)
    runners = []
    failures = []
  })
  afterEach(async () => {
    for (const runner of runners) await runner.stop()
    await fixture.dispose()
  })

  const run = (
    handler: JobRunnerOptions['handler'],
    options: Partial<JobRunnerOptions> = {},
    from: Jobs = jobs,
  ) => {
    const onError = (error: unknown) => void failures.push(error)
    const runner = from.createJobRunner({ queue: QUEUE, handler, onError, ...QUICK, ...options })
    runners.push(runner)
    return runner
  }
  const enqueue = (count: number, orderKey = '', from = 0) =>
    state.transaction(async (transaction) => {
      for (let n = from; n < from + count; n++) {
        await jobs.enqueue(transaction, { queue: QUEUE, applicationId: APP, payload: { n }, orderKey })
      }
    })
  const progress = async () => (await jobs.progress(APP))[0]
  const finished = () => expect.poll(progress).toBeUndefined()

  test('a job is there if and only if its transaction is', async () => {
    const cut = state.transaction(async (transaction) => {
      await jobs.enqueue(transaction, { queue: QUEUE, applicationId: APP, payload: {} })
      throw new Error('cut')
    })
    await expect(cut).rejects.toThrow('cut')
    expect(await progress()).toBeUndefined()
    await enqueue(2)
    expect(await progress()).toMatchObject({ queue: QUEUE, waiting: 2, running: 0, dead: 0 })
  })

  test('two processes share them: each job runs once, several at a time', async () => {
    const other = await fixture.open({ schedule: false })
    const seen: number[] = []
    let most = 0
    let now = 0
    const handler = async (job: Job) => {
      most = Math.max(most, ++now)
      seen.push(Number(job.payload.n))
      await new Promise((resolve) => setImmediate(resolve))
      now--
    }
    await enqueue(60)
    run(handler)
    run(handler, {}, createJobs(other, Date.now))
    await finished()
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n))
    expect(most).toBeGreaterThan(1)
    expect(failures).toEqual([])
  })

  test('jobs of one order run one after the other, also over a failure, in two processes', async () => {
    const other = await fixture.open({ schedule: false })
    const seen: string[] = []
    const failed = new Set<string>()
    let running = new Set<string>()
    const handler = async (job: Job) => {
      const { n } = job.payload
      const order = Number(n) < 10 ? 'a' : 'b'
      expect(running.has(order)).toBe(false)
      running.add(order)
      try {
        await new Promise((resolve) => setImmediate(resolve))
        if (Number(n) % 10 === 3 && !failed.has(order)) {
          failed.add(order)
          throw new KeyhavenError('UPSTREAM_FAILED', 'not now')
        }
        seen.push(`${order}${n}`)
      } finally {
        running.delete(order)
      }
    }
    running = new Set()
    await enqueue(6, 'a')
    await enqueue(6, 'b', 10)
    run(handler)
    run(handler, {}, createJobs(other, Date.now))
    await finished()
    expect(seen.filter((one) => one.startsWith('a'))).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5'])
    expect(seen.filter((one) => one.startsWith('b'))).toEqual(['b10', 'b11', 'b12', 'b13', 'b14', 'b15'])
    expect(failures.length).toBe(2)
  })

  test('what waits after a failure runs at once when it is hurried, of that order alone', async () => {
    let heal = false
    const done: unknown[] = []
    await enqueue(1, 'mended')
    await enqueue(1, 'other', 1)
    const handler = async (job: { payload: { n?: unknown } }) => {
      if (!heal) throw new Error('not yet')
      done.push(job.payload.n)
    }
    run(handler, { backoff: 600_000, maxBackoff: 600_000 })
    await expect.poll(() => failures.length).toBe(2)
    heal = true
    const order = { queue: QUEUE, applicationId: APP, orderKey: 'mended' }
    await vi.waitFor(async () => {
      await state.transaction((transaction) => jobs.hurry(transaction, order))
      expect(done).toEqual([0])
    }, SOON)
    expect(await progress()).toMatchObject({ waiting: 1, dead: 0 })
  })

  test('a failure waits longer each time, then the job is dead, until it is replayed', async () => {
    const times: number[] = []
    let heal = false
    await enqueue(1, 'order')
    await enqueue(1, 'order', 1)
    const done: unknown[] = []
    run(
      async (job) => {
        if (job.payload.n === 0 && !heal) {
          times.push(performance.now())
          throw new Error('a row: Maria Example') // a database may quote what it stores
        }
        done.push(job.payload.n)
      },
      { attempts: 3, backoff: 40 },
    )
    await expect.poll(progress).toMatchObject({ waiting: 0, dead: 1 })
    expect(times.length).toBe(3)
    expect(times[1]! - times[0]!).toBeGreaterThan(35)
    expect(times[2]! - times[1]!).toBeGreaterThan(75)
    expect(done).toEqual([1]) // a dead job holds nobody up
    const [dead] = await jobs.listDead(APP, { limit: 10 })
    expect(dead).toMatchObject({ queue: QUEUE, payload: { n: 0 }, attempts: 3, failure: 'INTERNAL' })
    expect(await jobs.listDead('another', { limit: 10 })).toEqual([])
    const replay = (application: string) =>
      state.transaction((transaction) => jobs.replay(transaction, application, dead!.id))
    expect(await replay('another')).toBe(false)
    heal = true
    expect(await replay(APP)).toBe(true)
    await finished()
    expect(done).toEqual([1, 0])
    expect(await replay(APP)).toBe(false)
  })

  test('one that ends with its effect leaves none if another process has it by now', async () => {
    await enqueue(1)
    const audit = (job: Job) =>
      state.transaction(async (transaction) => {
        state.audit.append(transaction, { actor: 'system', action: 'test.effect', subject: job.id })
        await job.done(transaction)
      })
    let first = true
    run(async (job) => {
      if (first) {
        first = false
        // As if this process had slept through its lease and another had the job.
        await state.db.updateTable('identity_jobs').set({ lease: 'other', lease_until: 0 }).execute()
        await expect(audit(job)).rejects.toMatchObject({ code: 'CONFLICT' })
        return
      }
      await audit(job)
    })
    await finished()
    const { items } = await state.audit.list({ action: 'test.effect' })
    expect(items.length).toBe(1)
  })

  test('a long run keeps its lease, and one with steps starts to count anew', async () => {
    await enqueue(1)
    let now = Date.now() + MS_PER_SECOND
    const timed = createJobs(state, () => now)
    let runs = 0
    const attempts: number[] = []
    const leaseUntil = async () =>
      (await state.db.selectFrom('identity_jobs').select('lease_until').executeTakeFirstOrThrow()).lease_until
    run(
      async (job) => {
        runs++
        attempts.push(job.attempt)
        await state.transaction((transaction) => job.hold(transaction))
        // Three leases long. Time goes on only with each renewal: a machine that stalls ends no lease.
        for (let step = 0; step < 3 * STEPS_PER_LEASE; step++) {
          now += LEASE_MS / STEPS_PER_LEASE
          await expect.poll(leaseUntil, { interval: 5 }).toBe(now + LEASE_MS)
        }
        if (runs < 3) throw new KeyhavenError('STORE_UNAVAILABLE', 'not now')
      },
      { lease: LEASE_MS, attempts: 2, backoff: 0 },
      timed,
    )
    await finished()
    expect(runs).toBe(3)
    expect(attempts).toEqual([1, 2, 2])
  })

  test('a process killed with kill -9 keeps its jobs no longer than its lease', async () => {
    await enqueue(3, 'order')
    const worker = spawn(process.execPath, [WORKER, QUEUE, String(LONG_LEASE_MS)], {
      env: { ...process.env, ...fixture.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(worker.stdout, 'data') // it holds the first one
    const seen: unknown[] = []
    let later = 0
    const timed = createJobs(state, () => Date.now() + later)
    run(async (job) => void seen.push(job.payload.n), {}, timed)
    expect(await progress()).toMatchObject({ running: 1, waiting: 2 })
    worker.kill('SIGKILL')
    await once(worker, 'close')
    expect(seen).toEqual([])
    later = LONG_LEASE_MS
    await finished()
    expect(seen).toEqual([0, 1, 2])
  })
})
