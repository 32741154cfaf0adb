import type { ChildProcessByStdio } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { State } from '../../packages/server/src/platform/state/state.ts'
import { bundledProgram } from './bundled-program.ts'
import type { StateFixture } from './engines.ts'

/** So that no two workers use a number twice. */
const FIRST_NUMBERS = 100_000
/** About as long as opening the state takes. */
const OPENING_MS = 300

export interface KillOptions {
  readonly kills: number
  /** Path of the worker: it waits for a line, then says `will …` before and `done …` after each operation. */
  readonly worker: string
  /** What a worker says at most before it is killed. */
  readonly maxLines: number
  /** About as long as one operation takes. */
  readonly operationMs: number
  /** The words of each operation that a worker said it was done with. */
  readonly done: (words: readonly string[]) => void
  /** After each kill. */
  readonly check: (state: State) => Promise<void>
}

type Worker = ChildProcessByStdio<Writable, Readable, null>

/**
 * Kills one worker after the other with SIGKILL, and opens the state after each, which compares it with the
 * anchor.
 *
 * @returns how many died between "will" and "done".
 */
export async function killWorkers(fixture: StateFixture, options: KillOptions): Promise<number> {
  let cutInside = 0
  const worker = await bundledProgram(options.worker)
  let next = startWorker(fixture, worker, 0)
  for (let kill = 0; kill < options.kills; kill++) {
    const doomed = next
    if (kill + 1 < options.kills) next = startWorker(fixture, worker, kill + 1)
    const lines = await workAndDie(doomed, kill, options)
    for (const line of lines) {
      const [word, ...words] = line.split(' ')
      if (word === 'done') options.done(words)
    }
    if (lines.at(-1)?.startsWith('will')) cutInside++
    const state = await fixture.open({ schedule: false })
    await options.check(state)
    await state.close()
  }
  return cutInside
}

/** Loads its modules and waits; the next one does so while this one works. */
function startWorker(fixture: StateFixture, worker: string, kill: number): Worker {
  const env = { ...process.env, ...fixture.env }
  return spawn(process.execPath, [worker, String(kill * FIRST_NUMBERS)], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

async function workAndDie(child: Worker, kill: number, options: KillOptions): Promise<readonly string[]> {
  let output = ''
  // Counted in what it says, not in time, so that a slow machine kills at the same places: each later than the one before,
  // so that a few kills are early and late ones, too.
  const wanted = 1 + Math.floor(((kill + Math.random()) / options.kills) * options.maxLines)
  const told = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      output += String(chunk)
      if (output.split('\n').length > wanted + 1) resolve()
    })
  })
  const closed = once(child, 'close')
  child.stdin.write('go\n')
  // Every fifth dies while it opens the state, or soon after.
  const opening = kill % 5 === 4
  if (!opening) await Promise.race([told, closed])
  setTimeout(() => child.kill('SIGKILL'), Math.random() * (opening ? OPENING_MS : options.operationMs))
  await closed
  if (child.signalCode !== 'SIGKILL') throw new Error(`the worker ended by itself, with ${child.exitCode}`)
  return output.split('\n').filter((line) => line !== '')
}
