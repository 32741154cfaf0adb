import type { Profile } from '@keyhaven/identity'
import { percentile, sendAll } from './http-load.ts'
import { type Ida, PEOPLE, startIda, uinOf } from './identity-authentication.ts'
import { measuredRow, type Row } from './row.ts'

const PROFILES: readonly Profile[] = ['mosip', 'keyhaven']
const WARM_UP_ROUNDS = 30
/** Of each kind one; a person may fail ten times, a partner a thousand times. */
const ROUNDS = 240
const MICROSECONDS_PER_MILLISECOND = 1_000

/** Whom a request asks about, and whether its claims are that person's. */
const KINDS = ['unknown', 'wrong', 'right'] as const
type Kind = (typeof KINDS)[number]

/**
 * How long an answer takes for somebody who is not enrolled, for somebody else than the one who is described, and
 * for the right person: one call at a time, the kinds in turn, so that whatever else happens on the machine hits
 * all alike. Whoever measures answers must not learn who is enrolled.
 */
export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  for (const profile of PROFILES) {
    const ida = await startIda(profile)
    try {
      for (let round = 0; round < WARM_UP_ROUNDS; round++) await askInTurn(ida, round)
      const times: Record<Kind, number[]> = { unknown: [], wrong: [], right: [] }
      for (let round = WARM_UP_ROUNDS; round < WARM_UP_ROUNDS + ROUNDS; round++) {
        const asked = await askInTurn(ida, round)
        for (const kind of KINDS) times[kind].push(asked[kind])
      }
      rows.push(...rowsOf(profile, times))
    } finally {
      await ida.close()
    }
  }
  return rows
}

/** @returns microseconds of each kind; which comes first changes from round to round. */
async function askInTurn(ida: Ida, round: number): Promise<Record<Kind, number>> {
  const took: Record<Kind, number> = { unknown: 0, wrong: 0, right: 0 }
  const first = round % KINDS.length
  for (const kind of [...KINDS.slice(first), ...KINDS.slice(0, first)])
    took[kind] = await ask(ida, kind, round)
  return took
}

async function ask({ server, make }: Ida, kind: Kind, round: number): Promise<number> {
  const claimant = uinOf(round % PEOPLE)
  const id = { right: claimant, wrong: uinOf((round + 1) % PEOPLE), unknown: uinOf(PEOPLE + round) }[kind]
  const request = await make('auth', id, claimant)
  const expected = `"authStatus":${kind === 'right'}`
  const port = Number(new URL(server.identityUrl!).port)
  const { latencies } = await sendAll(port, [request], 1, { expected })
  return latencies[0]!
}

function rowsOf(profile: Profile, times: Readonly<Record<Kind, readonly number[]>>): Row[] {
  const median = (kind: Kind) =>
    percentile(
      times[kind].toSorted((a, b) => a - b),
      0.5,
    ) / MICROSECONDS_PER_MILLISECOND
  const name = (kind: string) => `time of an answer, ${profile}: ${kind}`
  const wrong = { name: 'wrong person', value: median('wrong') }
  return [
    measuredRow(name('unknown person, median'), median('unknown'), 'ms', wrong),
    measuredRow(name('wrong person, median'), wrong.value, 'ms'),
    measuredRow(name('right person, median'), median('right'), 'ms', wrong),
    measuredRow(name('unknown slower than wrong'), slower(times.unknown, times.wrong), 'of 1', {
      ...{ name: 'chance', value: 0.5 },
    }),
  ]
}

/** Of all pairs, how often the first is the slower one: 0.5 tells nothing, 0 and 1 tell everything. */
function slower(some: readonly number[], others: readonly number[]): number {
  let times = 0
  for (const one of some) for (const other of others) times += one > other ? 1 : one === other ? 0.5 : 0
  return times / (some.length * others.length)
}
