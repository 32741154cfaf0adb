import { execFileSync, spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FILE_CONTESTANTS, type FileRun } from './file-contestants.ts'
import { measuredRow, type Row, targetRow } from './row.ts'

const MEBIBYTE = 1_024 * 1_024
const FILE_MEBIBYTES = 256
/** Four times as long: whoever keeps the file in memory shows it here. */
const LONG_MEBIBYTES = 1_024
const ROUNDS = 5
const MAX_MEMORY_MIB = 150
const MAX_RATIO_TO_BARE = 1.8
const AGE = 'age CLI'
const OURS = 'keyhaven'
const BARE = 'bare node:crypto, 1 MiB parts'
const CONTESTANT = fileURLToPath(new URL('file-contestant.ts', import.meta.url))
const POLL_MS = 5
const KIB_PER_MIB = 1_024
const MS_PER_SECOND = 1_000
const BYTES_PER_MEGABYTE = 1_000_000

interface Measured {
  readonly seconds: number
  readonly memoryMib: number
}

/**
 * A file of 256 MiB is read, encrypted and written to nowhere, each time in a process of its own; ours is
 * decrypted too. Contestants take turns, and of each the quickest round counts: the others show what else the
 * machine did.
 */
export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-bench-'))
  try {
    const file = writeRandomFile(join(folder, 'file'), FILE_MEBIBYTES)
    const names = [...Object.keys(FILE_CONTESTANTS), ...(hasAge() ? [AGE] : [])]
    if (!hasAge()) console.log('age is not installed (apt-get install age): it is left out')
    const recipient = hasAge() ? ageRecipient(join(folder, 'age-key')) : ''
    const runs = new Map<string, Measured[]>(names.map((name) => [name, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of names) {
        const measured = await (name === AGE ? runAge(recipient, file) : runContestant(name, file))
        runs.get(name)!.push(measured)
      }
    }
    rmSync(file)
    const long = writeRandomFile(join(folder, 'long'), LONG_MEBIBYTES)
    return rowsOf(runs, await runContestant(OURS, long))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function rowsOf(runs: ReadonlyMap<string, readonly Measured[]>, long: Measured): Row[] {
  const speeds = new Map(
    [...runs].map(([name, all]) => [name, (FILE_MEBIBYTES * MEBIBYTE) / BYTES_PER_MEGABYTE / quickest(all)]),
  )
  const rows: Row[] = []
  for (const [name, speed] of speeds) {
    rows.push(measuredRow(`files ${FILE_MEBIBYTES} MiB to null: ${name}`, speed, 'MB/s'))
    const memory = Math.max(...runs.get(name)!.map(({ memoryMib }) => memoryMib))
    rows.push(measuredRow(`files ${FILE_MEBIBYTES} MiB, peak memory of the process: ${name}`, memory, 'MiB'))
  }
  const ours = { value: speeds.get(OURS)!, unit: 'MB/s' }
  const compared = (name: string) => ({ name, value: speeds.get(name)! })
  const bare = compared(BARE)
  rows.push(
    targetRow({ name: 'files encrypt: times of bare', ...ours, reference: bare }, bare.value / ours.value, {
      atMost: MAX_RATIO_TO_BARE,
    }),
  )
  if (speeds.has(AGE)) {
    const age = compared(AGE)
    const row = { name: 'files encrypt: as fast as age', ...ours, reference: age }
    rows.push(targetRow(row, ours.value / age.value, { atLeast: 1 }))
  }
  const limit = { name: 'MiB allowed', value: MAX_MEMORY_MIB }
  const most = Math.max(long.memoryMib, ...runs.get(OURS)!.map(({ memoryMib }) => memoryMib))
  const memory = {
    name: `files encrypt ${LONG_MEBIBYTES} MiB, peak memory`,
    value: most,
    unit: 'MiB',
    reference: limit,
  }
  rows.push(targetRow(memory, most / MAX_MEMORY_MIB, { atMost: 1 }))
  return rows
}

function quickest(all: readonly Measured[]): number {
  return Math.min(...all.map(({ seconds }) => seconds))
}

/** In a Node of its own; its second time counts, as for all that runs in Node here. */
function runContestant(name: string, file: string): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CONTESTANT, name, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (data) => {
      text += data
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code !== 0) return reject(new Error(`${name} ended with ${code}`))
      const { milliseconds, maxRssKib } = JSON.parse(text) as FileRun
      resolve({ seconds: milliseconds / MS_PER_SECOND, memoryMib: maxRssKib / KIB_PER_MIB })
    })
  })
}

/** To a recipient's key, as age is used for files; its start counts, which takes some milliseconds. */
function runAge(recipient: string, file: string): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const child = spawn('age', ['-r', recipient, '-o', '/dev/null', file], { stdio: 'inherit' })
    let maxRssKib = 0
    const poll = setInterval(() => {
      maxRssKib = Math.max(maxRssKib, residentKib(child.pid!))
    }, POLL_MS)
    child.on('error', reject)
    child.on('close', (code) => {
      clearInterval(poll)
      if (code !== 0) return reject(new Error(`age ended with ${code}`))
      resolve({ seconds: (performance.now() - start) / MS_PER_SECOND, memoryMib: maxRssKib / KIB_PER_MIB })
    })
  })
}

/** Highest so far, of a running process on Linux; 0 elsewhere. */
function residentKib(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

function hasAge(): boolean {
  return ['/usr/bin/age', '/usr/local/bin/age', '/opt/homebrew/bin/age'].some((path) => existsSync(path))
}

function ageRecipient(keyFile: string): string {
  execFileSync('age-keygen', ['-o', keyFile], { stdio: 'ignore' })
  return execFileSync('age-keygen', ['-y', keyFile], { encoding: 'utf8' }).trim()
}

function writeRandomFile(path: string, mebibytes: number): string {
  const out = openSync(path, 'w')
  const part = Buffer.alloc(MEBIBYTE)
  for (let at = 0; at < mebibytes; at++) writeSync(out, randomFillSync(part))
  closeSync(out)
  return path
}
