import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServerProcess, TEST_ADMIN_TOKEN } from '../test/kit/server-process.ts'
import { type BareSuite, bareExchangeMicroseconds } from './bare-exchange.ts'
import { httpPost, type LoadResult, percentile, sendAll } from './http-load.ts'
import { measuredRow, type Row, targetRow } from './row.ts'
import { createSealer, type PinnedE2eKey } from './sealed-requests.ts'
import { cpuMicroseconds, memoryMebibytes } from './server-figures.ts'

/** JSON of about 1 KiB, as an app would send. */
const BODY = JSON.stringify({ note: 'x'.repeat(1_012) })
const REQUESTS_PER_ROUND = 6_000
const ROUNDS = 5
const CONNECTIONS = 32
const MAX_CPU_RATIO = 1.8
const SUITES: readonly BareSuite[] = ['x25519', 'x-wing']
const ECHO_PATH = '/v1/echo'

interface Figures {
  readonly cpu: number
  readonly load: LoadResult
}

/**
 * Part (b): sealed against plain requests of the same server, 1 KiB, padding and replay protection on. The
 * requests are sealed before the clock starts; plain and sealed rounds alternate.
 */
export async function run(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-bench-'))
  const server = await startServerProcess({ KEYHAVEN_DATA_DIR: folder, KEYHAVEN_REQUIRE_CHANNEL: 'off' })
  try {
    const port = Number(new URL(server.publicUrl).port)
    const plain: Figures[] = []
    const sealed = new Map<BareSuite, Figures[]>(SUITES.map((suite) => [suite, []]))
    const sealers = new Map<BareSuite, (path: string, body: string) => Promise<Uint8Array>>()
    for (const suite of SUITES) {
      const applicationId = `bench-${suite}`
      sealers.set(
        suite,
        createSealer(applicationId, await addApplication(server.adminUrl, applicationId, suite)),
      )
    }
    const plainRequest = httpPost(ECHO_PATH, 'application/json', Buffer.from(BODY))
    const plainRequests = Array.from({ length: REQUESTS_PER_ROUND }, () => plainRequest)
    // The first round warms up.
    for (let round = 0; round <= ROUNDS; round++) {
      const kept = round > 0
      const plainFigures = await oneRound(server.pid, port, plainRequests)
      if (kept) plain.push(plainFigures)
      for (const suite of SUITES) {
        const requests: Uint8Array[] = []
        while (requests.length < REQUESTS_PER_ROUND) requests.push(await sealers.get(suite)!(ECHO_PATH, BODY))
        const figures = await oneRound(server.pid, port, requests)
        if (kept) sealed.get(suite)!.push(figures)
      }
    }
    const memory = memoryMebibytes(server.pid)
    return [
      ...rowsOf('plain', plain),
      ...SUITES.flatMap((suite) => sealedRows(suite, sealed.get(suite)!, plain)),
      measuredRow('gateway memory after the load', memory.resident, 'MiB'),
      measuredRow('gateway memory at its highest', memory.peak, 'MiB'),
    ]
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function oneRound(pid: number, port: number, requests: readonly Uint8Array[]): Promise<Figures> {
  const before = cpuMicroseconds(pid)
  const load = await sendAll(port, requests, CONNECTIONS)
  return { cpu: (cpuMicroseconds(pid) - before) / requests.length, load }
}

function sealedRows(suite: BareSuite, figures: readonly Figures[], plain: readonly Figures[]): Row[] {
  const bare = bareExchangeMicroseconds(suite, Buffer.from(BODY))
  const limit = median(plain.map(({ cpu }) => cpu)) + bare
  const value = median(figures.map(({ cpu }) => cpu))
  const name = `gateway sealed ${suite}`
  return [
    measuredRow(`${name}: bare crypto of one exchange`, bare, 'µs of CPU'),
    targetRow(
      {
        name: `${name}: server CPU a request`,
        value,
        unit: 'µs of CPU',
        reference: { name: 'plain + bare', value: limit },
      },
      value / limit,
      { atMost: MAX_CPU_RATIO },
    ),
    ...rowsOf(`sealed ${suite}`, figures).slice(1),
  ]
}

function rowsOf(kind: string, figures: readonly Figures[]): Row[] {
  const over = (read: (figure: Figures) => number) => median(figures.map(read))
  const latency = (share: number) => over(({ load }) => percentile(load.latencies, share))
  return [
    measuredRow(
      `gateway ${kind}: server CPU a request`,
      over(({ cpu }) => cpu),
      'µs of CPU',
    ),
    measuredRow(
      `gateway ${kind}: throughput`,
      over(({ load }) => load.latencies.length / load.seconds),
      'requests/s',
    ),
    measuredRow(`gateway ${kind}: latency p50, ${CONNECTIONS} in flight`, latency(0.5), 'µs'),
    measuredRow(`gateway ${kind}: latency p99, ${CONNECTIONS} in flight`, latency(0.99), 'µs'),
  ]
}

/** @returns its key, for a client that pins it. */
async function addApplication(adminUrl: string, id: string, suite: BareSuite): Promise<PinnedE2eKey> {
  const headers = { authorization: `Bearer ${TEST_ADMIN_TOKEN}`, 'content-type': 'application/json' }
  const base = `${adminUrl}/admin/v1/applications`
  const added = await fetch(base, { method: 'POST', headers, body: JSON.stringify({ id, suite }) })
  if (added.status !== 201) throw new Error(`cannot add an application: ${await added.text()}`)
  const keys = await fetch(`${base}/${id}/e2e-keys`, { headers })
  return ((await keys.json()) as { items: PinnedE2eKey[] }).items[0]!
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]!
}
