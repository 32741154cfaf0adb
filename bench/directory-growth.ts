import { randomInt } from 'node:crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import type { SignedFetch } from '@keyhaven/directory'
import { appendToPeaks, encodeLeaf, leafHash, signCheckpoint } from '@keyhaven/directory/log'
import { splitHashes } from '../packages/server/src/directory/log/append-leaves.ts'
import { ENGINES } from '../test/kit/engines.ts'
import {
  APPLICATION,
  type Enrolled,
  type GrowingDirectory,
  openGrowingDirectory,
} from './directory-fixture.ts'
import { type Contestant, measure } from './measure.ts'
import { measuredRow, type Row, targetRow } from './row.ts'

const SIZES = [1_000, 100_000, 1_000_000] as const
/** Filling PostgreSQL takes minutes for each further 100,000. */
const MAX_SIZE = { sqlite: 1_000_000, postgres: 100_000 } as const
/** A user may look up 300 at once. */
const CALLERS = 8
const LOOK_UPS_BY_CALLER = 280
/** A scan would cost hundreds of times as much; proof and B-tree have a few levels more. */
const MAX_GROWTH = 1.5
/** "Well under a millisecond of computing". */
const MAX_COMPUTING_MICROSECONDS = 500
const OPTIONS = { inFlight: 1, sliceMilliseconds: 20, clock: 'processor' } as const
const ROUNDS = 15
const UNIT = 'µs of CPU'

/** Look-ups and the log as users grow to a million, on both databases. */
export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  for (const engine of ENGINES) {
    const directory = await openGrowingDirectory(engine)
    try {
      let smallest: ReadonlyMap<string, number> | undefined
      for (const size of SIZES.filter((size) => size <= MAX_SIZE[engine.dialect])) {
        await directory.grow(size)
        const figures = await figuresAt(directory, size)
        for (const [what, value] of figures) {
          rows.push(rowOf(`${engine.name}, ${size}: ${what}`, what, value, smallest?.get(what)))
        }
        smallest ??= figures
      }
    } finally {
      await directory.dispose()
    }
  }
  return rows
}

const LOOK_UP = 'look-up with proofs, at the server'
const FIRST = 'first look-up, verified by a client'
const AGAIN = 'look-up again, verified by a client'
const APPEND = 'append to the log: hashes and checkpoint'
const WHOLE_APPEND = 'append to the log: the whole transaction'
const PROOF = 'proof out of the database'
const COMPUTING: readonly string[] = [APPEND, PROOF]

function rowOf(name: string, what: string, value: number, smallest: number | undefined): Row {
  const row = { name, value, unit: UNIT }
  if (COMPUTING.includes(what)) {
    const reference = { name: 'limit', value: MAX_COMPUTING_MICROSECONDS }
    return targetRow({ ...row, reference }, value / reference.value, { atMost: 1 })
  }
  const reference = smallest === undefined ? undefined : { name: 'smallest', value: smallest }
  if (what !== LOOK_UP || !reference) return measuredRow(name, value, UNIT, reference)
  return targetRow({ ...row, reference }, value / reference.value, { atMost: MAX_GROWTH })
}

async function figuresAt(directory: GrowingDirectory, size: number): Promise<Map<string, number>> {
  const callers: Enrolled[] = []
  for (let at = 0; at < CALLERS; at++) callers.push(await directory.enroll(`caller-${size}-${at}`))
  const figures = new Map([[LOOK_UP, await lookUpMicroseconds(directory, callers, size)]])
  const contestants = [
    await firstLookUp(callers),
    await lookUpAgain(callers),
    await appendComputing(directory),
    wholeAppend(directory),
    proof(directory, size),
  ]
  for (const [name, value] of await measure(contestants, { ...OPTIONS, rounds: ROUNDS }))
    figures.set(name, value)
  return figures
}

/**
 * Users spread over the whole table, each asked for once: nothing of them is in memory. Least of the
 * callers'.
 */
async function lookUpMicroseconds(
  { directories, filler }: GrowingDirectory,
  callers: readonly Enrolled[],
  size: number,
): Promise<number> {
  const { service } = await directories.open(APPLICATION)
  const times: number[] = []
  for (const { caller } of callers) {
    const before = process.cpuUsage()
    for (let n = 0; n < LOOK_UPS_BY_CALLER; n++)
      await service.lookUp({ username: filler(randomInt(size)) }, caller)
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / LOOK_UPS_BY_CALLER)
  }
  // The sizes are minutes apart: the one that others on the machine disturbed least can be compared.
  return Math.min(...times)
}

/** The server's answer is made once; what is measured is what the client does with it. */
function remembering(fetch: SignedFetch): SignedFetch {
  const answers = new Map<string, string>()
  return async (path, init, sign) => {
    const body = String(init?.body)
    const known = answers.get(body) ?? (await (await fetch(path, init, sign)).text())
    answers.set(body, known)
    return new Response(known, { headers: { 'content-type': 'application/json' } })
  }
}

async function firstLookUp([asking, asked]: readonly Enrolled[]): Promise<Contestant> {
  let shared: SignedFetch | undefined
  const client = () =>
    asking!.freshClient((fetch) => {
      shared ??= remembering(fetch)
      return shared
    })
  return { name: FIRST, run: () => client().lookUp(asked!.caller.username) }
}

async function lookUpAgain([asking, asked]: readonly Enrolled[]): Promise<Contestant> {
  const client = asking!.freshClient(remembering)
  await client.lookUp(asked!.caller.username)
  return { name: AGAIN, run: () => client.lookUp(asked!.caller.username) }
}

async function appendComputing({ directories, state }: GrowingDirectory): Promise<Contestant> {
  const { keys } = await directories.open(APPLICATION)
  const head = await directories.log.head(APPLICATION)
  const { peaks } = await state.db
    .selectFrom('log_heads')
    .select('peaks')
    .where('application_id', '=', APPLICATION)
    .executeTakeFirstOrThrow()
  const before = { size: head.size, peaks: splitHashes(peaks) }
  return {
    name: APPEND,
    async run() {
      const hash = await leafHash(nodeBackend, newLeaf())
      const { size, root } = await appendToPeaks(nodeBackend, before, [hash])
      await signCheckpoint(nodeBackend, keys.signer, { size, root }, Math.floor(Date.now() / 1_000))
    },
  }
}

function wholeAppend({ directories, state }: GrowingDirectory): Contestant {
  const { log } = directories
  return {
    name: WHOLE_APPEND,
    async run() {
      const keys = await log.keys(APPLICATION)
      await state.transaction((transaction) => log.append(transaction, APPLICATION, keys, [newLeaf()]))
    },
  }
}

function proof({ directories }: GrowingDirectory, size: number): Contestant {
  return { name: PROOF, run: () => directories.log.inclusionProof(APPLICATION, randomInt(size), size) }
}

function newLeaf(): Uint8Array {
  const label = nodeBackend.randomBytes(64)
  return encodeLeaf({ kind: 'entry', label, commitment: nodeBackend.randomBytes(32) })
}
