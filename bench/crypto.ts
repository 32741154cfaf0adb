import { nodeBackend } from '@keyhaven/crypto/node'
import { BARE, type BenchKem, contestantsFor, HPKE, HPKE_CORE, KEYHAVEN } from './crypto-contestants.ts'
import { measure } from './measure.ts'
import { measuredRow, type Row, targetRow } from './row.ts'

const SIZES = [
  { label: '100 B', bytes: 100, rounds: 35 },
  { label: '1 KiB', bytes: 1_024, rounds: 35 },
  { label: '16 KiB', bytes: 16_384, rounds: 35 },
  { label: '1 MiB', bytes: 1_048_576, rounds: 7 },
] as const
const LOADS = [
  { label: 'one by one', inFlight: 1 },
  { label: '32 in flight', inFlight: 32 },
] as const
const OPERATIONS = ['seal', 'open'] as const
/** Short, and many of them: a slice in which another process got the processor does not move the median. */
const SLICE_MILLISECONDS = 6
const UNIT = 'µs'

type Operation = (typeof OPERATIONS)[number]

interface Target {
  readonly kem: BenchKem
  readonly operation: Operation
  readonly load: (typeof LOADS)[number]['label']
  readonly against: string
  readonly bound: { readonly atMost: number } | { readonly atLeast: number }
}

/**
 * What was promised, all at this size. `atMost`: our time over the other's. `atLeast`: the other's over
 * ours.
 */
const TARGET_SIZE = '1 KiB'
const TARGETS: readonly Target[] = OPERATIONS.flatMap((operation): Target[] => [
  { kem: 'x25519', operation, load: 'one by one', against: BARE, bound: { atMost: 1.3 } },
  { kem: 'x25519', operation, load: 'one by one', against: HPKE, bound: { atLeast: 5 } },
  { kem: 'x25519', operation, load: 'one by one', against: HPKE_CORE, bound: { atLeast: 5 } },
  { kem: 'x25519', operation, load: '32 in flight', against: HPKE, bound: { atLeast: 1.5 } },
  { kem: 'x25519', operation, load: '32 in flight', against: HPKE_CORE, bound: { atLeast: 1.5 } },
  {
    kem: 'x-wing',
    operation,
    load: 'one by one',
    against: HPKE,
    bound: { atLeast: operation === 'seal' ? 4 : 5 },
  },
])

/** Seal and open of one message to a known key: ours, five libraries, and the bare calls as the limit. */
export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  for (const kem of ['x25519', 'x-wing'] as const) {
    for (const size of SIZES) {
      const contestants = await contestantsFor(kem, nodeBackend.randomBytes(size.bytes))
      for (const load of LOADS) {
        for (const operation of OPERATIONS) {
          const times = await measure(
            contestants.map((one) => ({ name: one.name, run: one[operation] })),
            { inFlight: load.inFlight, rounds: size.rounds, sliceMilliseconds: SLICE_MILLISECONDS },
          )
          const name = `crypto ${kem} ${operation} ${size.label} ${load.label}`
          rows.push(...measuredRows(name, times))
          if (size.label !== TARGET_SIZE) continue
          for (const target of TARGETS) {
            if (target.kem !== kem || target.operation !== operation || target.load !== load.label) continue
            rows.push(promisedRow(name, times, target))
          }
        }
      }
    }
  }
  return rows
}

function measuredRows(name: string, times: ReadonlyMap<string, number>): Row[] {
  const limit = { name: BARE, value: times.get(BARE)! }
  return [...times].map(([who, value]) => measuredRow(`${name}: ${who}`, value, UNIT, limit))
}

function promisedRow(name: string, times: ReadonlyMap<string, number>, target: Target): Row {
  const value = times.get(KEYHAVEN)!
  const other = times.get(target.against)!
  const reference = { name: target.against, value: other }
  const ratio = 'atMost' in target.bound ? value / other : other / value
  return targetRow(
    { name: `${name}: ${KEYHAVEN} against ${target.against}`, value, unit: UNIT, reference },
    ratio,
    target.bound,
  )
}
