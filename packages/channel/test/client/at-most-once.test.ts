import { setTimeout as delay } from 'node:timers/promises'
import { createMemoryReplayStore } from '@keyhaven/channel/gateway'
import { beforeEach, describe, expect, test } from 'vitest'
import { byteStream } from './byte-stream.ts'
import { codeOf, createTestServer, forgedProblem, type TestServer } from './test-server.ts'

const MINUTE = 60_000

let server: TestServer

beforeEach(async () => {
  server = await createTestServer()
})

const stream = () =>
  ({ method: 'POST', body: byteStream([new Uint8Array(10)]), duplex: 'half' }) as RequestInit

describe('an unsealed refusal of a request that did run', () => {
  beforeEach(() => {
    let posts = 0
    server.attack = async (request, forward) => {
      if (request.method !== 'POST') return forward(request)
      const answer = await forward(request)
      return posts++ === 0 ? forgedProblem(400, 'OPEN_FAILED') : answer
    }
  })

  test('the second attempt is told so, and nothing runs twice', async () => {
    expect(await codeOf(server.channel().fetch('/pay', { method: 'POST', body: '1' }))).toBe('RESULT_UNKNOWN')
    expect([server.runs, server.posts]).toEqual([['POST /pay'], 2])
  })

  test('also when the retry comes minutes later', async () => {
    const honest = server.attack!
    server.attack = async (request, forward) => {
      const answer = await honest(request, forward)
      if (request.method === 'POST') server.now += 5 * MINUTE
      return answer
    }
    expect(await codeOf(server.channel().fetch('/pay', { method: 'POST', body: '1' }))).toBe('RESULT_UNKNOWN')
    expect(server.runs).toEqual(['POST /pay'])
  })

  test('a consumed stream is not sent again, and the error says what to do', async () => {
    const error = await server
      .channel()
      .fetch('/pay', stream())
      .catch((reason) => reason)
    expect(error.code).toBe('GATEWAY_REFUSED')
    expect(error.message).toContain('stream')
    expect([server.runs, server.posts]).toEqual([['POST /pay'], 1])
  })
})

test('a retry keeps the request id and the first date', async () => {
  const seen: unknown[] = []
  server = await createTestServer({
    replay: {
      refusesBefore: 0,
      has: () => false,
      insert: ({ requestId, expiresAt }) => {
        seen.push([requestId, expiresAt])
        return true
      },
    },
  })
  let posts = 0
  server.attack = async (request, forward) => {
    const answer = await forward(request)
    if (request.method !== 'POST' || posts++ > 0) return answer
    server.now += 10_000
    return forgedProblem(403, 'ACCESS_DENIED')
  }
  const channel = server.channel()
  await channel.fetch('/')
  expect(seen).toHaveLength(2)
  expect(seen[0]).toEqual(seen[1])
  await channel.fetch('/')
  expect((seen[2] as unknown[])[0]).not.toBe((seen[0] as unknown[])[0])
})

test('an unsealed 5xx is not retried, and says that the result is unknown', async () => {
  for (const status of [500, 502, 503, 504, 599]) {
    server = await createTestServer()
    server.attack = async (request, forward) => {
      if (request.method !== 'POST') return forward(request)
      await forward(request)
      return new Response('<html>', { status })
    }
    const error = await server
      .channel()
      .fetch('/pay', { method: 'POST' })
      .catch((reason) => reason)
    expect([error.code, server.posts, server.runs.length]).toEqual(['GATEWAY_UNAVAILABLE', 1, 1])
    expect(error.message).toContain('result is unknown')
  }
})

describe('a wrong clock', () => {
  test.each([
    ['slow by 10 minutes', -10 * MINUTE],
    ['slow by a year', -365 * 24 * 60 * MINUTE],
    ['fast by 10 minutes', 10 * MINUTE],
  ])('%s: corrected from the sealed answer, the call and the next one work', async (_, error) => {
    const channel = server.channel({ clock: () => server.now + error })
    expect((await channel.fetch('/', { method: 'POST', body: 'x' })).status).toBe(200)
    expect(server.posts).toBe(2)
    expect(Math.abs(channel.status().clockOffset + error)).toBeLessThan(1_000)
    expect((await channel.fetch('/')).status).toBe(200)
    expect(server.posts).toBe(3)
    expect(server.runs).toHaveLength(2)
  })

  test('a stream cannot be sent again: CLOCK_SKEW, and the next call works', async () => {
    const channel = server.channel({ clock: () => server.now - 10 * MINUTE })
    expect(await codeOf(channel.fetch('/', stream()))).toBe('CLOCK_SKEW')
    expect((await channel.fetch('/', stream())).status).toBe(200)
    expect(server.runs).toHaveLength(1)
  })

  test('fast by two days with pinned keys: the gateway does not remember it, so the result is unknown', async () => {
    const key = await server.addKey(9)
    const clock = () => server.now + 2 * 24 * 60 * MINUTE
    const channel = server.channel({ trust: { pinnedKeys: [key] }, clock })
    expect(await codeOf(channel.fetch('/'))).toBe('RESULT_UNKNOWN')
    expect((await channel.fetch('/')).status).toBe(200)
  })

  test('fast by two days with a manifest: expired, with what to do', async () => {
    const channel = server.channel({ clock: () => server.now + 2 * 24 * 60 * MINUTE })
    const error = await channel.fetch('/').catch((reason) => reason)
    expect([error.code, server.posts]).toEqual(['MANIFEST_EXPIRED', 0])
    expect(error.message).toContain('clock')
  })

  test('an unsealed clock refusal corrects nothing', async () => {
    const channel = server.channel()
    server.attack = async (request, forward) => {
      if (request.method !== 'POST') return forward(request)
      const body = {
        type: 'https://iana.org/assignments/http-problem-types#date',
        code: 'CLOCK_SKEW',
        now: 0,
        burned: true,
      }
      return Response.json(body, {
        status: 400,
        headers: { 'content-type': 'application/problem+json', 'x-keyhaven-error': 'CLOCK_SKEW' },
      })
    }
    expect(await codeOf(channel.fetch('/'))).toBe('GATEWAY_REFUSED')
    expect(channel.status().clockOffset).toBe(0)
  })

  test('an envelope that ran, held back and delivered again until it is too old: the refusal is no proof', async () => {
    for (const clocks of ['both', 'monotonic stands still in sleep', 'device clock set back']) {
      server = await createTestServer()
      const started = server.now
      server.attack = async (request, forward) => {
        if (request.method !== 'POST') return forward(request)
        const copy = request.clone()
        await forward(request)
        server.now += 10 * MINUTE
        return forward(copy)
      }
      const channel = server.channel({
        clock: () => (clocks === 'device clock set back' ? Math.min(server.now, started) : server.now),
        monotonic: () => (clocks.startsWith('monotonic') ? 0 : server.now - started),
      })
      expect(await codeOf(channel.fetch('/pay', { method: 'POST', body: '1' }))).toBe('RESULT_UNKNOWN')
      expect([server.runs, server.posts]).toEqual([['POST /pay'], 1])
    }
  })

  test('the same after a forged refusal: the time of the first attempt counts', async () => {
    let posts = 0
    server.attack = async (request, forward) => {
      if (request.method !== 'POST' || posts++ > 0) return forward(request)
      await forward(request)
      server.now += 10 * MINUTE
      return forgedProblem(400, 'OPEN_FAILED')
    }
    expect(await codeOf(server.channel().fetch('/pay', { method: 'POST' }))).toBe('RESULT_UNKNOWN')
    expect(server.runs).toEqual(['POST /pay'])
  })
})

describe('a gateway that has just started, with a store in memory', () => {
  test('a request in the second of its start waits for the next one', async () => {
    const startedAt = Date.now()
    server = await createTestServer({
      replay: createMemoryReplayStore(Date.now, { refusesBefore: startedAt + 1 }),
      gateway: { clock: Date.now },
    })
    server.now = startedAt
    await server.publish()
    // What takes longer than since the start could be from before it.
    await delay(100)
    const channel = server.channel({ clock: Date.now, monotonic: () => performance.now() })
    expect((await channel.fetch('/', { method: 'POST', body: 'x' })).status).toBe(200)
    expect(server.runs).toHaveLength(1)
  })

  test('it waits as long as the clock says, also when timers end early', async () => {
    await delay(1_500 - (Date.now() % 1_000))
    const begun = Date.now()
    const clock = () => begun + Math.floor((Date.now() - begun) * 0.95)
    const replay = createMemoryReplayStore(clock, { refusesBefore: begun + 1 })
    server = await createTestServer({ replay, gateway: { clock } })
    server.now = begun
    await server.publish()
    await delay(200)
    const channel = server.channel({ clock, monotonic: clock })
    expect((await channel.fetch('/', { method: 'POST', body: 'x' })).status).toBe(200)
    expect(server.runs).toHaveLength(1)
  })

  test('a request from before its start has an unknown result', async () => {
    const now = server.now
    server = await createTestServer({ replay: createMemoryReplayStore(() => now + 5_000) })
    server.now = now
    server.attack = async (request, forward) => {
      if (request.method === 'POST') server.now += 10_000
      return forward(request)
    }
    expect(await codeOf(server.channel().fetch('/pay', { method: 'POST' }))).toBe('RESULT_UNKNOWN')
    expect(server.runs).toEqual([])
  })
})
