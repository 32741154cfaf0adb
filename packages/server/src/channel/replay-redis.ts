import type { ReplayStore } from '@keyhaven/channel/gateway'
import { KeyhavenError } from '@keyhaven/crypto'
import { replayHashes } from './replay-hash.ts'

const KEY_PREFIX = 'keyhaven:replay:'
/** Since when this Redis, in this run of it, remembers: `run id time`. */
const SINCE_KEY = `${KEY_PREFIX}since`
const CONNECT_TIMEOUT_MS = 5_000
const MAX_RECONNECT_DELAY_MS = 1_000
const RECONNECT_STEP_MS = 50

/** 1: inserted; 0: seen; -1: this Redis has lost what it knew. */
const INSERT_SCRIPT = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
for i = 2, #KEYS do if redis.call('EXISTS', KEYS[i]) == 1 then return 0 end end
for i = 2, #KEYS do redis.call('SET', KEYS[i], '1', 'PXAT', ARGV[2]) end
return 1`

export interface RedisReplayStore extends ReplayStore {
  close(): Promise<void>
}

/**
 * Replay protection for several processes on one Redis. A Redis that restarts may have lost entries, so requests
 * dated before its start are refused; while it cannot be reached, so is every request.
 *
 * @param refusesBefore - milliseconds; never less than this.
 * @throws KeyhavenError at the start: `STORE_UNAVAILABLE` if Redis does not answer, `CONFIG_INVALID` if it may drop
 *   entries.
 */
export async function createRedisReplayStore(
  url: string,
  refusesBefore: number,
  clock: () => number,
  onError: (error: unknown) => void,
): Promise<RedisReplayStore> {
  const { createClient } = await import('redis')
  let connected = false
  const client = createClient({
    url,
    // A command that waits for a reconnect could run long after its request was answered.
    disableOfflineQueue: true,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      // At the start a wrong address shall be said; later Redis may come back.
      reconnectStrategy: (retries) =>
        connected && Math.min(retries * RECONNECT_STEP_MS, MAX_RECONNECT_DELAY_MS),
    },
  })
  /** The value under {@link SINCE_KEY}; undefined while this connection has not read it. */
  let since: string | undefined
  let sinceTime = Number.POSITIVE_INFINITY

  async function readSince(): Promise<void> {
    const memory = await client.info('memory')
    // A Redis that drops entries to make room would let a request run twice, and nobody would notice.
    if (!/^maxmemory:0\s*$/m.test(memory) && !/^maxmemory_policy:noeviction\s*$/m.test(memory)) {
      throw new KeyhavenError(
        'CONFIG_INVALID',
        'Redis may drop entries: set its maxmemory-policy to noeviction',
      )
    }
    const runId = /^run_id:(\w+)/m.exec(await client.info('server'))?.[1]
    if (runId === undefined) throw new KeyhavenError('STORE_UNAVAILABLE', 'Redis does not say its run id')
    const known = await client.get(SINCE_KEY)
    if (known?.startsWith(`${runId} `)) {
      since = known
    } else {
      // Another process may write first: then its time counts, so read it again.
      const made = `${runId} ${clock()}`
      const won = await client.eval(
        `if redis.call('GET', KEYS[1]) == ARGV[1] or (ARGV[1] == '' and redis.call('EXISTS', KEYS[1]) == 0) then
          redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0`,
        { keys: [SINCE_KEY], arguments: [known ?? '', made] },
      )
      since = won === 1 ? made : ((await client.get(SINCE_KEY)) ?? undefined)
    }
    sinceTime = Number(since?.split(' ')[1] ?? Number.POSITIVE_INFINITY)
  }

  let reading = false
  const readAgain = (): void => {
    if (reading) return
    reading = true
    readSince()
      .catch(onError)
      .finally(() => {
        reading = false
      })
  }

  const unavailable = (cause?: unknown) =>
    new KeyhavenError('STORE_UNAVAILABLE', 'the replay store (Redis) cannot be reached', { cause })

  client.on('error', (error) => {
    since = undefined
    onError(error)
  })
  client.on('ready', () => {
    since = undefined
    readAgain()
  })
  try {
    await client.connect()
    connected = true
    await readSince()
  } catch (cause) {
    if (client.isOpen) client.destroy()
    throw cause instanceof KeyhavenError ? cause : unavailable(cause)
  }

  const keysOf = (hashes: readonly Buffer[]) => hashes.map((hash) => KEY_PREFIX + hash.toString('base64url'))

  return {
    get refusesBefore() {
      return Math.max(refusesBefore, sinceTime)
    },

    async insert(entry) {
      if (since === undefined) {
        // It may have failed when the connection came back, while Redis was still loading.
        if (client.isReady) readAgain()
        throw unavailable()
      }
      let answer: unknown
      try {
        answer = await client.eval(INSERT_SCRIPT, {
          keys: [SINCE_KEY, ...keysOf(replayHashes(entry))],
          arguments: [since, String(Math.ceil(entry.expiresAt))],
        })
      } catch (cause) {
        throw unavailable(cause)
      }
      if (answer === -1) {
        since = undefined
        readAgain()
        throw unavailable()
      }
      return answer === 1
    },

    async has(entry) {
      try {
        return (await client.exists(keysOf(replayHashes(entry)))) > 0
      } catch (cause) {
        throw unavailable(cause)
      }
    },

    async close() {
      if (client.isReady) await client.close()
      else client.destroy()
    },
  }
}
