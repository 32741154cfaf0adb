import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { APP } from '../packages/server/test/fixtures/conversation-people.ts'
import { openUser } from '../packages/server/test/fixtures/directory-user.ts'
import { ENGINES } from '../test/kit/engines.ts'
import { type ServerProcess, startServerProcess } from '../test/kit/server-process.ts'
import { type GrowingConversations, openGrowingConversations } from './conversations-fixture.ts'
import { measuredRow, type Row, targetRow } from './row.ts'

const SIZES = [1_000, 100_000]
/** Devices that ask, each through a channel of its own: a device may ask 1,200 times at once. */
const DEVICES = 16
const CALLS_AT_ONCE = 4
const SECONDS = 6
const MIN_RELEASES = 1_500
const UNIT = 'releases/s'
const MS_PER_SECOND = 1_000
/** Ticks of `/proc/PID/stat` (getconf CLK_TCK). */
const TICKS_PER_SECOND = 100

/**
 * Releases through the channel, each call sealed and signed by its device, from one server process on SQLite. The
 * callers need a core of their own: where others take it, what a second of the server's processor does tells more.
 */
export async function run(): Promise<Row[]> {
  const [sqlite] = ENGINES
  const conversations = await openGrowingConversations(sqlite!, DEVICES)
  const rows: Row[] = []
  try {
    for (const size of SIZES) {
      await conversations.grow(size)
      const server = await startServerProcess(conversations.world.fixture.env)
      try {
        rows.push(...(await measureServer(conversations, server, size)))
      } finally {
        await server.stop()
      }
    }
  } finally {
    await conversations.dispose()
  }
  return rows
}

async function measureServer(
  { members, key }: GrowingConversations,
  server: ServerProcess,
  size: number,
): Promise<Row[]> {
  const users = await Promise.all(
    members.map(({ username, keys }) => openUser(server, APP, username, { ...keys, name: 'bench' })),
  )
  let done = 0
  let until = 0
  async function caller(user: (typeof users)[number]): Promise<void> {
    while (performance.now() < until) {
      const answer = await user.call('GET', `/v1/keys/${key(randomInt(size))}`)
      if (answer.status !== 200) throw new Error(`refused: ${answer.status} ${await answer.text()}`)
      await answer.text()
      done++
    }
  }
  const measure = async (seconds: number) => {
    done = 0
    const [start, ticks] = [performance.now(), processorTicks(server.pid)]
    until = start + seconds * MS_PER_SECOND
    await Promise.all(users.flatMap((user) => Array.from({ length: CALLS_AT_ONCE }, () => caller(user))))
    const processor = (processorTicks(server.pid) - ticks) / TICKS_PER_SECOND
    return { byWall: (done / (performance.now() - start)) * MS_PER_SECOND, byProcessor: done / processor }
  }
  await measure(1)
  const { byWall, byProcessor } = await measure(SECONDS)
  const name = `SQLite, ${size} conversations: releases through the channel, ${DEVICES * CALLS_AT_ONCE} in flight`
  const reference = { name: 'target', value: MIN_RELEASES }
  const row = { name: `${name}, by the server's processor time`, value: byProcessor, unit: UNIT, reference }
  return [measuredRow(name, byWall, UNIT), targetRow(row, byProcessor / MIN_RELEASES, { atLeast: 1 })]
}

/** User and system time of a process and its threads. */
function processorTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return Number(fields[11]) + Number(fields[12])
}
