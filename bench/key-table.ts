import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBase64url } from '@keyhaven/crypto'
import { loadConfig } from '@keyhaven/server'
import { openState } from '../packages/server/src/platform/state/open-state.ts'
import { startServerProcess, TEST_ENV } from '../test/kit/server-process.ts'
import { sendAll } from './http-load.ts'
import { measuredRow, type Row, targetRow } from './row.ts'
import { createSealer, type PinnedE2eKey } from './sealed-requests.ts'
import { cpuMicroseconds, memoryMebibytes } from './server-figures.ts'

const TABLE_SIZES = [10, 1_000, 100_000] as const
const HOT_REQUESTS = 6_000
/**
 * Applications of which each is called once, spread over the whole table: nothing of them is in memory yet.
 */
const COLD_APPLICATIONS = 1_000
const CONNECTIONS = 32
const APPLICATIONS_PER_TRANSACTION = 500
/** "Must not grow": what the noise of a shared machine may add. */
const MAX_GROWTH = 1.25
const SUITE = { kem: 'x25519', aead: 'aes-256-gcm' } as const
const BODY = JSON.stringify({ note: 'x'.repeat(1_012) })

interface Figures {
  readonly hot: number
  readonly cold: number | undefined
  readonly resident: number
}

/** Part (d): what a sealed call costs the server as the table of applications and keys grows. */
export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  let smallest: Figures | undefined
  let middle: Figures | undefined
  for (const size of TABLE_SIZES) {
    const figures = await measureTable(size)
    const name = `key table of ${size} applications`
    rows.push(growthRow(`${name}: server CPU a call, same application`, figures.hot, smallest?.hot))
    if (figures.cold !== undefined) {
      rows.push(
        growthRow(`${name}: server CPU a call, first call of an application`, figures.cold, middle?.cold),
      )
      middle ??= figures
    }
    rows.push(measuredRow(`${name}: resident memory`, figures.resident, 'MiB'))
    smallest ??= figures
  }
  return rows
}

function growthRow(name: string, value: number, reference: number | undefined): Row {
  const unit = 'µs of CPU'
  if (reference === undefined) return measuredRow(name, value, unit)
  const row = { name, value, unit, reference: { name: 'smallest table', value: reference } }
  return targetRow(row, value / reference, { atMost: MAX_GROWTH })
}

async function measureTable(size: number): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-bench-'))
  try {
    const keys = await fillTable(folder, size)
    const server = await startServerProcess({ KEYHAVEN_DATA_DIR: folder })
    try {
      const port = Number(new URL(server.publicUrl).port)
      const cold = await coldCalls(keys)
      const coldCpu = cold && (await cpuOf(server.pid, port, cold))
      const [applicationId, key] = [...keys][0]!
      const seal = createSealer(applicationId, key)
      // The first round warms up.
      await cpuOf(server.pid, port, await hotCalls(seal))
      const rounds: number[] = []
      for (let round = 0; round < 3; round++) rounds.push(await cpuOf(server.pid, port, await hotCalls(seal)))
      const hot = rounds.sort((a, b) => a - b)[1]!
      return { hot, cold: coldCpu, resident: memoryMebibytes(server.pid).resident }
    } finally {
      await server.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function hotCalls(seal: (path: string, body: string) => Promise<Uint8Array>): Promise<Uint8Array[]> {
  const requests: Uint8Array[] = []
  while (requests.length < HOT_REQUESTS) requests.push(await seal('/v1/echo', BODY))
  return requests
}

async function coldCalls(keys: ReadonlyMap<string, PinnedE2eKey>): Promise<Uint8Array[] | undefined> {
  if (keys.size < COLD_APPLICATIONS) return undefined
  const all = [...keys]
  const step = all.length / COLD_APPLICATIONS
  const requests: Uint8Array[] = []
  for (let index = 0; index < COLD_APPLICATIONS; index++) {
    const [applicationId, key] = all[Math.floor(index * step)]!
    requests.push(await createSealer(applicationId, key)('/v1/echo', BODY))
  }
  return requests
}

async function cpuOf(pid: number, port: number, requests: readonly Uint8Array[]): Promise<number> {
  const before = cpuMicroseconds(pid)
  await sendAll(port, requests, CONNECTIONS)
  return (cpuMicroseconds(pid) - before) / requests.length
}

/** Real keys, made and wrapped by the key service, many applications in one transaction. */
async function fillTable(folder: string, size: number): Promise<Map<string, PinnedE2eKey>> {
  const config = loadConfig({ ...TEST_ENV, KEYHAVEN_DATA_DIR: folder })
  const state = await openState(config, { schedule: false })
  const keys = new Map<string, PinnedE2eKey>()
  try {
    for (let start = 0; start < size; start += APPLICATIONS_PER_TRANSACTION) {
      await state.transaction(async (transaction) => {
        for (let index = start; index < Math.min(size, start + APPLICATIONS_PER_TRANSACTION); index++) {
          const applicationId = `app-${index}`
          const input = { applicationId, suite: SUITE }
          const key = await state.keys.addE2eKey(input, { actor: 'bench', transaction })
          keys.set(applicationId, { keyId: key.keyId, suite: SUITE, publicKey: toBase64url(key.publicKey) })
        }
      })
      if (start > 0 && start % 20_000 === 0) console.log(`  ${start} of ${size} applications made`)
    }
  } finally {
    await state.close()
  }
  return keys
}
