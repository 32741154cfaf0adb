import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startServerProcess } from '../test/kit/server-process.ts'
import { measuredRow, type Row, targetRow } from './row.ts'
import { memoryMebibytes } from './server-figures.ts'

const STARTS = 5
const MAX_START_MILLISECONDS = 1_500
const REST_MILLISECONDS = 3_000

/**
 * Part (c): from the start of the process until it is ready for calls, and the memory it holds when nothing
 * happens.
 */
export async function run(): Promise<Row[]> {
  const first: number[] = []
  const again: number[] = []
  const bare: number[] = []
  const resident: number[] = []
  for (let start = 0; start < STARTS; start++) {
    const folder = await mkdtemp(join(tmpdir(), 'keyhaven-bench-'))
    try {
      bare.push(await emptyProcess())
      first.push((await oneStart(folder)).milliseconds)
      const second = await oneStart(folder)
      again.push(second.milliseconds)
      resident.push(second.resident)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  const target = { name: 'target', value: MAX_START_MILLISECONDS }
  const startRow = (name: string, value: number) =>
    targetRow({ name, value, unit: 'ms', reference: target }, value / target.value, { atMost: 1 })
  return [
    measuredRow('startup: a Node process that does nothing', median(bare), 'ms'),
    startRow('startup: first start to ready, new data directory', median(first)),
    startRow('startup: start to ready, existing data directory', median(again)),
    measuredRow('startup: resident memory at rest', median(resident), 'MiB'),
  ]
}

async function oneStart(folder: string): Promise<{ milliseconds: number; resident: number }> {
  const start = performance.now()
  const server = await startServerProcess({ KEYHAVEN_DATA_DIR: folder })
  const milliseconds = performance.now() - start
  await wait(REST_MILLISECONDS)
  const { resident } = memoryMebibytes(server.pid)
  await server.stop()
  return { milliseconds, resident }
}

async function emptyProcess(): Promise<number> {
  const start = performance.now()
  await once(spawn(process.execPath, ['-e', '0']), 'exit')
  return performance.now() - start
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}
