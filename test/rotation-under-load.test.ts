import { setTimeout as delay } from 'node:timers/promises'
import type { Channel } from '@keyhaven/channel'
import { createChannel } from '@keyhaven/channel'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StateFixture } from './kit/engines.ts'
import { createStateFixture, ENGINES } from './kit/engines.ts'
import type { ServerProcess } from './kit/server-process.ts'
import { startServerProcess } from './kit/server-process.ts'
import { callAdmin } from './kit/test-server.ts'

/*
 * The promise "a key can be replaced at any time, and no user notices": two server processes on one
 * PostgreSQL, apps calling all the time; a key is added, becomes active, the old one is revoked.
 */

const REQUESTS_PER_SECOND = 200
const APPS_PER_SERVER = 10
/**
 * A machine that cannot answer more gets as many as it answers: with 200 that wait some would wait for a connection
 * to the database for more than the 5 s after which a server says 503, whatever its keys are.
 */
const MAX_UNANSWERED = 4 * APPS_PER_SERVER
/** About as long as a new key takes to become active on a busy machine. */
const ACTIVE_MS = 60_000
/** Before the new key, beside the old one, and without it; `npm run soak` asks for more. */
const PHASE_MS = 1_000 * Number(process.env.SOAK_ROTATION_PHASE_SECONDS ?? 3)
const CALL_TIMEOUT_MS = 60_000
const TIMEOUT_MS = 180_000 + 3 * PHASE_MS
const POSTGRES = ENGINES.find((engine) => engine.dialect === 'postgres')!

let fixture: StateFixture
const servers: ServerProcess[] = []
const apps: Channel[] = []

beforeAll(async () => {
  fixture = await createStateFixture(POSTGRES)
  for (let i = 0; i < 2; i++) servers.push(await startServerProcess(fixture.env))
})

afterAll(async () => {
  for (const app of apps) app.close()
  for (const server of servers) await server.stop()
  await fixture?.dispose()
})

interface Outcome {
  readonly sentAt: number
  readonly ms: number
  readonly keyId: number | undefined
  /** `ok`, a status or an error's code. */
  readonly result: string
}

async function call(app: Channel): Promise<Outcome> {
  const sentAt = performance.now()
  const done = (result: string, keyId?: number) => ({ sentAt, ms: performance.now() - sentAt, keyId, result })
  try {
    const answer = await app.fetch('/v1/echo', {
      method: 'POST',
      body: 'x'.repeat(1_000),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    })
    const body = (await answer.json()) as { keyId: number; bytes: number }
    return done(answer.status === 200 && body.bytes === 1_000 ? 'ok' : String(answer.status), body.keyId)
  } catch (error) {
    return done(String((error as { code?: string }).code ?? error))
  }
}

/** Starts calls at a steady rate, as long as the machine keeps up. */
function startLoad(): { stop(): Promise<Outcome[]> } {
  const calls: Promise<Outcome>[] = []
  let [skipped, unanswered] = [0, 0]
  const start = () => {
    unanswered++
    return call(apps[calls.length % apps.length]!).finally(() => {
      unanswered--
    })
  }
  const startedAt = performance.now()
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * REQUESTS_PER_SECOND
    while (calls.length + skipped < due) {
      if (unanswered < MAX_UNANSWERED) calls.push(start())
      else skipped++
    }
  }, 5)
  return {
    async stop() {
      clearInterval(timer)
      return Promise.all(calls)
    },
  }
}

test('rotation under load: add, wait, revoke, and no call of a manifest client fails', {
  timeout: TIMEOUT_MS,
}, async () => {
  const admin = (method: string, path: string, body?: unknown) =>
    callAdmin(servers[0]!.adminUrl, method, `/applications/load${path}`, body)
  const made = await callAdmin(servers[0]!.adminUrl, 'POST', '/applications', { id: 'load', suite: 'x25519' })
  const [old] = (await admin('GET', '/e2e-keys')).body.items
  for (let i = 0; i < 2 * APPS_PER_SERVER; i++) {
    const url = servers[i % 2]!.publicUrl
    apps.push(createChannel({ url, applicationId: 'load', appVersion: '1.0', trust: made.body.trust }))
  }
  const pinned = createChannel({
    url: servers[1]!.publicUrl,
    applicationId: 'load',
    appVersion: '0.9',
    trust: { pinnedKeys: [{ keyId: old.keyId, publicKey: old.publicKey }] },
  })
  expect((await pinned.fetch('/v1/echo')).status).toBe(200)

  const load = startLoad()
  await delay(PHASE_MS)
  const added = (await admin('POST', '/e2e-keys', { suite: 'x25519' })).body
  await expect
    .poll(async () => (await admin('GET', `/e2e-keys/${added.id}`)).body.state, { timeout: ACTIVE_MS })
    .toBe('active')
  await delay(PHASE_MS)
  const revoked = await admin('POST', `/e2e-keys/${old.id}/revoke`, { reason: 'rotation', force: true })
  expect(revoked.status).toBe(200)
  const revokedAt = performance.now()
  await delay(PHASE_MS)
  const outcomes = await load.stop()

  const failures = outcomes.filter(({ result }) => result !== 'ok')
  const times = outcomes.map(({ ms }) => ms).sort((a, b) => a - b)
  const percentile = (share: number) => Math.round(times[Math.floor(times.length * share)]!)
  const seconds = (outcomes.at(-1)!.sentAt - outcomes[0]!.sentAt) / 1_000
  console.log(
    `rotation under load: ${outcomes.length} calls in ${seconds.toFixed(1)} s ` +
      `(${Math.round(outcomes.length / seconds)} a second) on 2 processes, ${failures.length} failures; ` +
      `p50 ${percentile(0.5)} ms, p99 ${percentile(0.99)} ms`,
  )
  expect(failures).toEqual([])
  // In each phase, whatever else the machine does; on a quiet one it is 200 a second.
  for (const phase of [0, 1, 2]) {
    const from = outcomes[0]!.sentAt + phase * PHASE_MS
    const begun = outcomes.filter(({ sentAt }) => sentAt >= from && sentAt < from + PHASE_MS)
    expect(begun.length).toBeGreaterThan(APPS_PER_SERVER)
  }
  // Traffic was on the old key, and is on the new one since the old is gone.
  expect(outcomes[0]!.keyId).toBe(old.keyId)
  const late = outcomes.filter(({ sentAt }) => sentAt > revokedAt + 1_000)
  expect(new Set(late.map(({ keyId }) => keyId))).toEqual(new Set([added.keyId]))
  await expect(pinned.fetch('/v1/echo')).rejects.toMatchObject({ code: 'KEY_REVOKED' })
  pinned.close()
})
