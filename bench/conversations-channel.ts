import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createChannel } from '@keyhaven/channel'
import { nodeBackend } from '@keyhaven/crypto/node'
import { signDeviceRequest } from '@keyhaven/directory'
import { APP, type Person } from '../packages/server/test/fixtures/conversation-people.ts'
import { ENGINES } from '../test/kit/engines.ts'
import { type ServerProcess, startServerProcess } from '../test/kit/server-process.ts'
import { type GrowingConversations, openGrowingConversations } from './conversations-fixture.ts'
import { httpPost, sendAll } from './http-load.ts'
import { measuredRow, type Row, targetRow } from './row.ts'

const SIZES = [1_000, 100_000]
/** Devices that ask: a device may ask 1,200 times at once. */
const DEVICES = 16
const REQUESTS = 8_000
const WARM_UP_REQUESTS = 2_000
const IN_FLIGHT = 128
const MIN_RELEASES = 1_500
const UNIT = 'releases/s'
const MS_PER_SECOND = 1_000
/** Ticks of `/proc/PID/stat` (getconf CLK_TCK). */
const TICKS_PER_SECOND = 100

/**
 * Releases through the channel, each call sealed and signed by its device, from one server process on SQLite.
 * The calls are made before, since sealing and signing them costs as much as answering. Where others use the
 * machine, what a second of the server's processor does tells more than a second on the wall.
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
  // Replay entries in memory refuse the second in which they began.
  await new Promise((resolve) => setTimeout(resolve, MS_PER_SECOND))
  const sealers = members.map((member) => createSigningSealer(server, member))
  const requests: Uint8Array[] = []
  for (let n = 0; n < WARM_UP_REQUESTS + REQUESTS; n++) {
    requests.push(await sealers[n % sealers.length]!(`/v1/keys/${key(randomInt(size))}`))
  }
  const port = Number(new URL(server.publicUrl).port)
  await sendAll(port, requests.slice(0, WARM_UP_REQUESTS), IN_FLIGHT)
  const ticks = processorTicks(server.pid)
  const { seconds } = await sendAll(port, requests.slice(WARM_UP_REQUESTS), IN_FLIGHT)
  const processor = (processorTicks(server.pid) - ticks) / TICKS_PER_SECOND
  const name = `SQLite, ${size} conversations: releases through the channel, ${IN_FLIGHT} in flight`
  const reference = { name: 'target', value: MIN_RELEASES }
  const value = REQUESTS / processor
  const row = { name: `${name}, by the server's processor time`, value, unit: UNIT, reference }
  return [
    measuredRow(name, REQUESTS / seconds, UNIT, reference),
    targetRow(row, value / MIN_RELEASES, { atLeast: 1 }),
  ]
}

/** What a device's program sends for one call, caught before it goes out. */
function createSigningSealer(
  { publicUrl, defaultApplication: { rootThumbprints } }: ServerProcess,
  { device, keys: { requestKey } }: Person,
): (path: string) => Promise<Uint8Array> {
  const caught: { type: string; body: Uint8Array }[] = []
  const channel = createChannel({
    url: publicUrl,
    applicationId: APP,
    trust: { rootThumbprints },
    fetch: async (url, init) => {
      if (init?.method !== 'POST') return fetch(url, init)
      const type = new Headers(init.headers).get('content-type') ?? ''
      caught.push({ type, body: new Uint8Array(init.body as Uint8Array) })
      throw new TypeError('caught')
    },
  })
  return async (path) => {
    const signer = { backend: nodeBackend, application: APP, device, key: requestKey, clock: Date.now }
    const sign = (parts: Parameters<typeof signDeviceRequest>[1]) => signDeviceRequest(signer, parts)
    await channel.signedFetch(path, { method: 'GET' }, sign).catch(() => undefined)
    const sent = caught.pop()
    if (sent === undefined) throw new Error('nothing was sent')
    return httpPost(`/gateway/${APP}`, sent.type, sent.body)
  }
}

/** User and system time of a process and its threads. */
function processorTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return Number(fields[11]) + Number(fields[12])
}
