import { randomBytes } from 'node:crypto'
import { PROCESS_CLOCKS_SECONDS } from '@keyhaven/channel/gateway'
import { KeyhavenError } from '@keyhaven/crypto'
import { addressOf, unreachableReason } from '../platform/unreachable.ts'
import { replayHashes } from './replay-hash.ts'
import type { ReplayEntries } from './replay-mark.ts'

const KEY_PREFIX = 'keyhaven:replay:'
/** What this Redis, in this run of it, remembers, has this name: `run id random`. */
const IDENTITY_KEY = `${KEY_PREFIX}identity`
const IDENTITY_BYTES = 16
const MS_PER_SECOND = 1_000
const MICROSECONDS_PER_MS = 1_000
const DEFAULT_PORT = 6379
const CONNECT_TIMEOUT_MS = 5_000
const MAX_RECONNECT_DELAY_MS = 1_000
const RECONNECT_STEP_MS = 50

/** Why a connection was not made: it holds no part of the URL but what Redis itself answers. */
function connectFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  if (/^(NOAUTH|WRONGPASS|ERR AUTH|NOPERM)/.test(message)) {
    return 'refuses user or password: set the right ones'
  }
  if (/timeout/i.test(message)) return 'does not answer in time'
  return unreachableReason(error) ?? 'cannot be used'
}

/** 1: inserted; 0: seen; -1: this Redis has lost what it knew. */
const INSERT_SCRIPT = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
for i = 2, #KEYS do if redis.call('EXISTS', KEYS[i]) == 1 then return 0 end end
for i = 2, #KEYS do redis.call('SET', KEYS[i], '1', 'PXAT', ARGV[2]) end
return 1`

export interface RedisReplayStore extends ReplayEntries {
  /** Another one once Redis may have lost entries; undefined while it cannot be asked. */
  readonly identity: string | undefined
  close(): Promise<void>
}

/**
 * Replay entries of several processes in one Redis. A Redis that restarts may have lost entries: then it is
 * another one to the replay mark. While it cannot be reached, nothing runs.
 *
 * @throws KeyhavenError at the start: `STORE_UNAVAILABLE` if Redis does not answer, `CONFIG_INVALID` if it
 *   may drop entries, or its clock is wrong.
 */
export async function createRedisReplayStore(
  url: string,
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
  /** The value under {@link IDENTITY_KEY}; undefined while this connection has not read it. */
  let identity: string | undefined

  /** Redis forgets by its own clock. */
  async function checkClock(): Promise<void> {
    const asked = clock()
    const [seconds, microseconds] = (await client.sendCommand(['TIME'])) as unknown as [string, string]
    const answered = clock()
    const time = Number(seconds) * MS_PER_SECOND + Number(microseconds) / MICROSECONDS_PER_MS
    const off = Math.max(asked - time, time - answered)
    if (off <= PROCESS_CLOCKS_SECONDS * MS_PER_SECOND) return
    throw new KeyhavenError(
      'CONFIG_INVALID',
      `the clocks of Redis and of this server differ by ${Math.round(off / MS_PER_SECOND)} seconds: set ` +
        'both by NTP',
    )
  }

  async function readIdentity(): Promise<void> {
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
    await checkClock()
    const known = await client.get(IDENTITY_KEY)
    if (known?.startsWith(`${runId} `)) {
      identity = known
    } else {
      // Another process may write first: then its name counts, so read it again.
      const made = `${runId} ${randomBytes(IDENTITY_BYTES).toString('base64url')}`
      const won = await client.eval(
        `if redis.call('GET', KEYS[1]) == ARGV[1] or (ARGV[1] == '' and redis.call('EXISTS', KEYS[1]) == 0) then
          redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0`,
        { keys: [IDENTITY_KEY], arguments: [known ?? '', made] },
      )
      identity = won === 1 ? made : ((await client.get(IDENTITY_KEY)) ?? undefined)
    }
  }

  let reading = false
  const readAgain = (): void => {
    if (reading) return
    reading = true
    readIdentity()
      .catch(onError)
      .finally(() => {
        reading = false
      })
  }

  const unavailable = (cause?: unknown) =>
    new KeyhavenError('STORE_UNAVAILABLE', 'the replay store (Redis) cannot be reached', { cause })
  const notConnected = (cause: unknown) =>
    new KeyhavenError(
      'STORE_UNAVAILABLE',
      `Redis at ${addressOf(url, DEFAULT_PORT)} ${connectFailure(cause)}. Check that it runs, and ` +
        'KEYHAVEN_REDIS_URL',
      { cause },
    )

  client.on('error', (error) => {
    identity = undefined
    // At the start it is thrown.
    if (connected) onError(error)
  })
  client.on('ready', () => {
    identity = undefined
    readAgain()
  })
  try {
    await client.connect()
    connected = true
    await readIdentity()
  } catch (cause) {
    if (client.isOpen) client.destroy()
    throw cause instanceof KeyhavenError ? cause : notConnected(cause)
  }

  const keysOf = (hashes: readonly Buffer[]) => hashes.map((hash) => KEY_PREFIX + hash.toString('base64url'))

  return {
    get identity() {
      return identity
    },

    async insert(entry) {
      if (identity === undefined) {
        // It may have failed when the connection came back, while Redis was still loading.
        if (client.isReady) readAgain()
        throw unavailable()
      }
      let answer: unknown
      try {
        answer = await client.eval(INSERT_SCRIPT, {
          keys: [IDENTITY_KEY, ...keysOf(replayHashes(entry))],
          arguments: [identity, String(Math.ceil(entry.expiresAt))],
        })
      } catch (cause) {
        throw unavailable(cause)
      }
      if (answer === -1) {
        identity = undefined
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
