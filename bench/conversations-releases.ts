import { randomInt } from 'node:crypto'
import { APP } from '../packages/server/test/fixtures/conversation-people.ts'
import { ENGINES } from '../test/kit/engines.ts'
import { type GrowingConversations, openGrowingConversations } from './conversations-fixture.ts'
import { measuredRow, type Row, targetRow } from './row.ts'

/** A million takes minutes to make: `BENCH_CONVERSATIONS=1000000`. */
const SIZES = [1_000, 100_000, Number(process.env.BENCH_CONVERSATIONS ?? 0)].filter((size) => size > 0)
/** Filling PostgreSQL takes longer. */
const MAX_POSTGRES_SIZE = 100_000
const IN_FLIGHT = [64, 256]
const SECONDS = 4
const MIN_RELEASES = 5_000
/** A scan would cost hundreds of times as much. */
const MAX_GROWTH = 2
const UNIT = 'releases/s'
const MS_PER_SECOND = 1_000

/** Releases at the service, each with its receipt durable before the answer, as conversations grow. */
export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  for (const engine of ENGINES) {
    const conversations = await openGrowingConversations(engine)
    try {
      let smallest: number | undefined
      for (const size of SIZES) {
        if (engine.dialect === 'postgres' && size > MAX_POSTGRES_SIZE) continue
        await conversations.grow(size)
        for (const inFlight of IN_FLIGHT) {
          const rate = await releasesPerSecond(conversations, size, inFlight)
          const name = `${engine.name}, ${size} conversations: releases at the service, ${inFlight} in flight`
          const isTarget = engine.dialect === 'sqlite' && inFlight === Math.max(...IN_FLIGHT)
          const reference = { name: 'target', value: MIN_RELEASES }
          rows.push(
            isTarget
              ? targetRow({ name, value: rate, unit: UNIT, reference }, rate / MIN_RELEASES, { atLeast: 1 })
              : measuredRow(name, rate, UNIT),
          )
          if (!isTarget) continue
          if (smallest !== undefined) rows.push(growth(engine.name, size, rate, smallest))
          smallest ??= rate
        }
      }
    } finally {
      await conversations.dispose()
    }
  }
  return rows
}

function growth(engine: string, size: number, rate: number, smallest: number): Row {
  const reference = { name: `of ${SIZES[0]}`, value: smallest }
  const name = `${engine}: releases of ${size} conversations against ${SIZES[0]}`
  return targetRow({ name, value: rate, unit: UNIT, reference }, smallest / rate, { atMost: MAX_GROWTH })
}

/** Of random conversations, by callers that each wait for their answer before they ask again. */
async function releasesPerSecond(
  { service, members: [member], key }: GrowingConversations,
  size: number,
  inFlight: number,
): Promise<number> {
  let done = 0
  let until = 0
  async function caller(): Promise<void> {
    while (performance.now() < until) {
      await service.release(APP, member!, key(randomInt(size)))
      done++
    }
  }
  const measure = async (seconds: number): Promise<number> => {
    done = 0
    const start = performance.now()
    until = start + seconds * MS_PER_SECOND
    await Promise.all(Array.from({ length: inFlight }, caller))
    return (done / (performance.now() - start)) * MS_PER_SECOND
  }
  await measure(1)
  return measure(SECONDS)
}
