import type { ErrorCode } from '@keyhaven/crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { callerOf } from '../src/platform/http/call-origin.ts'
import { createApp } from '../src/platform/http/create-app.ts'
import { createFaultLog } from '../src/platform/http/fault-log.ts'
import { hostName, isLoopback } from '../src/platform/http/loopback.ts'
import { decodeCursor, encodeCursor } from '../src/platform/http/page-cursor.ts'
import { problemOfError, problemResponse } from '../src/platform/http/problem.ts'
import { createRateLimiter } from '../src/platform/http/rate-limit.ts'
import { createLogger } from '../src/platform/log/logger.ts'
import { mergeSnapshots, prometheusText } from '../src/platform/metrics/prometheus-text.ts'
import { createMetricsRegistry } from '../src/platform/metrics/registry.ts'

describe('rate limit', () => {
  test('a burst passes, then calls come back with time', () => {
    let now = 0
    const limiter = createRateLimiter({ burst: 3, perMinute: 60 }, () => now)
    expect([limiter.take('a'), limiter.take('a'), limiter.take('a')]).toEqual([0, 0, 0])
    expect(limiter.take('a')).toBe(1)
    expect(limiter.take('b')).toBe(0)
    now += 1_000
    expect(limiter.take('a')).toBe(0)
    expect(limiter.take('a')).toBe(1)
  })

  test('a clock that goes back gives nothing', () => {
    let now = 1_000_000
    const limiter = createRateLimiter({ burst: 1, perMinute: 1 }, () => now)
    limiter.take('a')
    now = 0
    expect(limiter.take('a')).toBeGreaterThan(0)
  })

  test('remembers a bounded number of callers', () => {
    const limiter = createRateLimiter({ burst: 1, perMinute: 1, maxCallers: 2 }, () => 0)
    for (const caller of ['a', 'b', 'c']) limiter.take(caller)
    expect(limiter.wait('a')).toBe(0)
    expect(limiter.wait('c')).toBeGreaterThan(0)
  })
})

test('an IPv6 caller is counted with its /64 network, since it can use every address of it', () => {
  const caller = (remoteAddress: string) => callerOf({ sealed: false, remoteAddress, secure: false })
  const network = '2001:db8:0:7::/64'
  for (const address of [
    '2001:db8:0:7::1',
    '2001:0DB8:0000:0007:ffff:ffff:ffff:ffff',
    '2001:db8:0:7:1:2:3:4',
    '2001:db8::7:1:2:3:4',
    '2001:db8::7:1:2:192.0.2.1',
  ]) {
    expect(caller(address), address).toBe(network)
  }
  expect(caller('2001:db8:0:8::1')).not.toBe(network)
  expect(caller('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
  expect(caller('::1')).toBe('0:0:0:0::/64')
  expect(caller('192.0.2.1')).toBe('192.0.2.1')
  expect(caller('::ffff:192.0.2.1')).toBe('192.0.2.1')
  expect(caller('unknown')).toBe('unknown')
})

test('host names of Host headers', () => {
  expect(hostName('127.0.0.1:8788')).toBe('127.0.0.1')
  expect(hostName('LOCALHOST')).toBe('localhost')
  expect(hostName('[::1]:8788')).toBe('::1')
  for (const bad of [
    undefined,
    '',
    'a b',
    'evil@localhost',
    'localhost/x',
    'localhost:99999999',
    '[::1',
    'a:b:c',
  ]) {
    expect(hostName(bad)).toBeUndefined()
  }
  expect(['127.0.0.1', '127.8.8.8', '::1', 'localhost'].every(isLoopback)).toBe(true)
  expect(['0.0.0.0', '10.0.0.1', '::', 'example.com', '127.0.0.1.evil.com'].some(isLoopback)).toBe(false)
})

test('a cursor is only what we made', () => {
  expect(decodeCursor(encodeCursor(['demo']), 'text')).toEqual(['demo'])
  for (const bad of ['', 'x', encodeCursor(['a', 'b']), Buffer.from('[{}]').toString('base64url')]) {
    expect(() => decodeCursor(bad, 'text')).toThrow(KeyhavenError)
  }
})

test('problems carry type, code, title and status, and nothing of a foreign error', async () => {
  const known = problemOfError(new KeyhavenError('NOT_FOUND', 'there is no such key'))
  expect(known.status).toBe(404)
  expect(known.headers.get('content-type')).toBe('application/problem+json')
  expect(await known.json()).toEqual({
    type: 'urn:keyhaven:error:NOT_FOUND',
    code: 'NOT_FOUND',
    title: 'Not found',
    status: 404,
    detail: 'there is no such key',
  })
  const foreign = problemOfError(new Error('password=hunter2'))
  expect(foreign.status).toBe(500)
  expect(await foreign.text()).not.toContain('hunter2')
  expect(problemResponse('UPSTREAM_FAILED', { status: 504 }).status).toBe(504)
})

test('what is wrong with the server is in the log; only whom the router trusts with it reads it', async () => {
  const secret = 'master key 0102030405060708 is not in /var/lib/keyhaven/master-key.json'
  const ask = async (code: ErrorCode, showsFaults?: () => boolean) => {
    const lines: string[] = []
    const app = createApp(createLogger('info', { write: (line) => lines.push(line) }), showsFaults)
    app.get('/', () => {
      throw new KeyhavenError(code, secret)
    })
    const answer = await app.request('/')
    return { status: answer.status, text: await answer.text(), log: lines.join('') }
  }
  for (const code of [
    'CONFIG_INVALID',
    'STATE_ROLLED_BACK',
    'STORE_UNAVAILABLE',
    'MANIFEST_EXPIRED',
  ] as const) {
    const hidden = await ask(code)
    expect(hidden.status).toBeGreaterThanOrEqual(500)
    expect(Object.keys(JSON.parse(hidden.text)).sort()).toEqual(['code', 'status', 'title', 'type'])
    expect(hidden.log).toContain(secret)
    const shown = await ask(code, () => true)
    expect(JSON.parse(shown.text).detail).toBe(secret)
    expect(shown.log).toContain(secret)
  }
  const refusal = await ask('NOT_FOUND')
  expect([JSON.parse(refusal.text).detail, refusal.log]).toEqual([secret, ''])
})

test('metrics of several processes add up in the text of Prometheus', () => {
  const processes = [createMetricsRegistry(), createMetricsRegistry()]
  for (const [i, metrics] of processes.entries()) {
    const calls = metrics.counter('calls_total', 'Calls.')
    calls.add({ outcome: 'ok', path: 'a"b\\c\nd' }, i + 1)
    metrics.gauge('processes', 'Processes.', () => 1)
    metrics.histogram('seconds', 'Time.', [0.1, 1]).observe(0.5)
  }
  const text = prometheusText(mergeSnapshots(processes.map((metrics) => metrics.snapshot())))
  expect(text).toContain('# TYPE calls_total counter')
  expect(text).toContain('calls_total{outcome="ok",path="a\\"b\\\\c\\nd"} 3')
  expect(text).toContain('processes 2')
  expect(text).toContain('seconds_bucket{le="0.1"} 0')
  expect(text).toContain('seconds_bucket{le="1"} 2')
  expect(text).toContain('seconds_bucket{le="+Inf"} 2')
  expect(text).toContain('seconds_sum 1')
  expect(text).toContain('seconds_count 2')
})

test('a caller cannot fill the memory with label values', () => {
  const metrics = createMetricsRegistry()
  const calls = metrics.counter('calls_total', 'Calls.')
  for (let i = 0; i < 5_000; i++) calls.add({ caller: String(i) })
  expect(Object.keys(metrics.snapshot()[0]!.series).length).toBeLessThanOrEqual(2_000)
})

test('a log line shows no secret', () => {
  const lines: string[] = []
  const logger = createLogger('info', { write: (line) => lines.push(line) })
  const error = Object.assign(new Error('query failed'), { parameters: ['SECRET-1'], detail: 'SECRET-2' })
  logger.info({ token: 'SECRET-3', request: { authorization: 'SECRET-4' }, err: error }, 'call')
  expect(lines.join()).toContain('query failed')
  expect(lines.join()).not.toContain('SECRET')
})

test('a log line names the code of an error and of its cause, but no other code', () => {
  const lines: string[] = []
  const logger = createLogger('info', { write: (line) => lines.push(line) })
  const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  const error = new KeyhavenError('STORE_UNAVAILABLE', 'the database cannot be reached', { cause })
  logger.error({ err: error, code: 'SECRET-1', request: { code: 'SECRET-2' } }, 'request failed')
  expect(JSON.parse(lines[0]!)).toMatchObject({
    err: { errorCode: 'STORE_UNAVAILABLE', cause: { errorCode: 'ECONNREFUSED' } },
    code: '[hidden]',
    request: { code: '[hidden]' },
  })
})

test('a fault is logged once a minute for each code and route, with how many were left out', () => {
  const lines: string[] = []
  let now = 0
  const logFault = createFaultLog(createLogger('info', { write: (line) => lines.push(line) }), () => now)
  const down = new KeyhavenError('STORE_UNAVAILABLE', 'the database cannot be reached')
  for (let i = 0; i < 1_000; i++) logFault(down, 'GET /readyz')
  logFault(down, 'GET /gateway/:applicationId')
  logFault(new TypeError('a fault of ours'), 'GET /readyz')
  now = 59_999
  logFault(down, 'GET /readyz')
  now = 60_000
  logFault(down, 'GET /readyz')
  const logged = lines.map((line) => JSON.parse(line))
  expect(logged.map(({ route, err, suppressed }) => [route, err.errorCode ?? err.name, suppressed])).toEqual([
    ['GET /readyz', 'STORE_UNAVAILABLE', undefined],
    ['GET /gateway/:applicationId', 'STORE_UNAVAILABLE', undefined],
    ['GET /readyz', 'TypeError', undefined],
    ['GET /readyz', 'STORE_UNAVAILABLE', 1_000],
  ])
})

test('whoever varies the address of a fault still makes one line', async () => {
  const lines: string[] = []
  const app = createApp(createLogger('info', { write: (line) => lines.push(line) }))
  app.use('*', async (_, next) => next())
  app.get('/gateway/:applicationId/manifest', () => {
    throw new KeyhavenError('STORE_UNAVAILABLE', 'the database cannot be reached')
  })
  for (let i = 0; i < 20; i++) expect((await app.request(`/gateway/app-${i}/manifest`)).status).toBe(503)
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0]!).route).toBe('GET /gateway/:applicationId/manifest')
})
