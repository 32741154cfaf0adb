import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sqliteStore } from '../src/node/index.ts'
import { createWorld, type TestDevice, type World } from './kit/people.ts'

interface Outcome {
  readonly ready?: true
  readonly done?: true
  readonly envelope?: string
  readonly text?: string
  readonly code?: string
}

let folder: string
let world: World
let alice: TestDevice
let path: string
let snapshot: string
const running: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyhaven-processes-'))
  path = join(folder, 'bob.db')
  world = await createWorld()
  alice = await world.device('alice')
  const store = sqliteStore({ path })
  await world.device('bob', { store })
  store.close()
  snapshot = JSON.stringify(await world.directory.snapshot())
})

afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

/** A process of bob. `until` collects what it prints, up to a line that fits or its end. */
function start(store = path) {
  const program = join(import.meta.dirname, 'kit/device-process.ts')
  const child = spawn(process.execPath, [program, store, snapshot], { stdio: ['pipe', 'pipe', 'inherit'] })
  running.push(child)
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return {
    child,
    tell: (command: object) => child.stdin!.write(`${JSON.stringify(command)}\n`),
    async until(fits: (outcome: Outcome) => boolean): Promise<Outcome[]> {
      const outcomes: Outcome[] = []
      for (;;) {
        const { value, done } = await lines.next()
        if (done) return outcomes
        const outcome = JSON.parse(value) as Outcome
        outcomes.push(outcome)
        if (fits(outcome)) return outcomes
      }
    },
  }
}

const isDone = ({ done }: Outcome) => done === true
const isReady = ({ ready }: Outcome) => ready === true
const numberOf = (envelope: string): string => {
  const { session, n } = JSON.parse(envelope) as { session: string; n: number }
  return `${session}/${n}`
}
const envelopesOf = (outcomes: readonly Outcome[]) => outcomes.flatMap(({ envelope }) => envelope ?? [])

async function readAll(envelopes: readonly string[]): Promise<void> {
  expect(new Set(envelopes.map(numberOf)).size).toBe(envelopes.length)
  for (const envelope of envelopes) expect((await alice.messenger.decrypt(envelope)).text).toBeDefined()
}

test('two processes over one store never use a message key twice', async () => {
  const processes = [start(), start()]
  for (const { tell } of processes) tell({ send: { to: 'alice', count: 100 } })
  const outcomes = await Promise.all(processes.map(({ until }) => until(isDone)))
  const envelopes = envelopesOf(outcomes.flat())
  expect(envelopes).toHaveLength(200)
  await readAll(envelopes)
})

test('two processes over one store read each message once', async () => {
  const envelopes: string[] = []
  for (let n = 0; n < 60; n++) envelopes.push((await alice.messenger.encrypt('bob', `message ${n}`)).envelope)
  const processes = [start(), start()]
  await Promise.all(processes.map(({ until }) => until(isReady)))
  for (const { tell } of processes) tell({ receive: envelopes })
  const outcomes = await Promise.all(processes.map(({ until }) => until(isDone)))
  const texts = outcomes.flat().flatMap(({ text }) => text ?? [])
  expect(texts.sort()).toEqual(envelopes.map((_, n) => `message ${n}`).sort())
  expect(outcomes.flat().filter(({ code }) => code === 'DUPLICATE')).toHaveLength(60)
})

test('a cloned store opens sessions of its own, and what it was copied from goes on', async () => {
  const original = start()
  original.tell({ send: { to: 'alice', count: 20 } })
  const first = await original.until(isDone)
  const clone = join(folder, 'clone.db')
  for (const end of ['', '-wal', '.key']) await cp(path + end, clone + end)
  const cloned = start(clone)
  for (const { tell } of [original, cloned]) tell({ send: { to: 'alice', count: 20 } })
  const more = await Promise.all([original, cloned].map(({ until }) => until(isDone)))
  await readAll(envelopesOf([...first, ...more.flat()]))
})

test('kill -9 while sending: no message key is used twice', async () => {
  const envelopes: string[] = []
  for (let round = 0; round < 4; round++) {
    const { child, tell, until } = start()
    tell({ send: { to: 'alice', count: 100_000 } })
    const kill = 5 + round * 17
    let seen = 0
    const outcomes = await until(({ envelope }) => envelope !== undefined && ++seen === kill)
    child.kill('SIGKILL')
    envelopes.push(...envelopesOf([...outcomes, ...(await until(() => false))]))
  }
  await readAll(envelopes)
})

test('kill -9 while receiving: nothing is read twice, and nothing that was not read is refused', async () => {
  const envelopes: string[] = []
  for (let n = 0; n < 300; n++)
    envelopes.push((await alice.messenger.encrypt('bob', `message ${n}`)).envelope)
  const read: string[] = []
  for (let round = 0; round < 4; round++) {
    const { child, tell, until } = start()
    tell({ receive: envelopes })
    let seen = 0
    const outcomes = await until(({ text }) => text !== undefined && ++seen === 10 + round * 23)
    child.kill('SIGKILL')
    outcomes.push(...(await until(() => false)))
    read.push(...outcomes.flatMap(({ text }) => text ?? []))
  }
  const last = start()
  last.tell({ receive: envelopes })
  read.push(...(await last.until(isDone)).flatMap(({ text }) => text ?? []))
  expect(new Set(read).size).toBe(read.length)
  // At each kill at most one message was stored as read and not told any more: the archive has it.
  expect(read.length).toBeGreaterThanOrEqual(300 - 4)
})
