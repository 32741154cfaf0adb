import { type ChannelStorage, createMemoryStorage } from '@keyhaven/channel'
import { nodeBackend } from '@keyhaven/crypto/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, createTestServer, forgedProblem, OHTTP_KEY_TYPE, type TestServer } from './test-server.ts'

const HOUR = 3_600_000

let server: TestServer
let storage: ChannelStorage

beforeEach(async () => {
  server = await createTestServer()
  storage = createMemoryStorage()
})

test('the manifest is fetched once and used for all calls', async () => {
  const channel = server.channel()
  await Promise.all(Array.from({ length: 20 }, () => channel.fetch('/')))
  expect([server.posts, server.manifestFetches]).toEqual([20, 1])
  expect(channel.status()).toMatchObject({ trust: 'manifest', keyId: 1, manifest: { epoch: 1, sequence: 1 } })
})

describe('rotation', () => {
  test('a new key, then the old one revoked: no call fails', async () => {
    const channel = server.channel({ jitter: () => 0 })
    await channel.fetch('/')
    await server.addKey(2)
    server.setState(1, 'retiring')
    await server.publish()
    expect((await channel.fetch('/')).status).toBe(200)
    expect(channel.status().keyId).toBe(1)
    server.setState(1, 'revoked')
    await server.publish()
    expect((await channel.fetch('/', { method: 'POST', body: 'x' })).status).toBe(200)
    expect(channel.status().keyId).toBe(2)
    expect(server.runs).toHaveLength(3)
  })

  test('a key whose end has come is not used, unless there is no other', async () => {
    await server.addKey(2)
    const end = server.now / 1_000 + 60
    await server.publish({ ends: { 2: end } })
    const channel = server.channel()
    await channel.fetch('/')
    expect(channel.status().keyId).toBe(2)
    server.now += 60_000
    await channel.fetch('/')
    expect(channel.status().keyId).toBe(1)
    await server.publish({ ends: { 1: end, 2: end } })
    await channel.refresh()
    expect((await channel.fetch('/')).status).toBe(200)
  })

  test('many calls meet a revoked key: one refresh serves all', async () => {
    const channel = server.channel()
    await channel.fetch('/')
    await server.addKey(2)
    server.setState(1, 'revoked')
    await server.publish()
    const answers = await Promise.all(Array.from({ length: 10 }, () => channel.fetch('/')))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(server.manifestFetches).toBe(2)
  })
})

describe('refresh', () => {
  test('happens in the background, within the part of the lifetime that chance picks', async () => {
    const channel = server.channel({ jitter: () => 0 })
    await channel.fetch('/')
    server.now += 0.49 * HOUR
    await channel.fetch('/')
    expect(server.manifestFetches).toBe(1)
    await server.publish()
    server.now += 0.02 * HOUR
    await channel.fetch('/')
    expect(server.manifestFetches).toBe(2)
    await expect.poll(() => channel.status().manifest?.sequence).toBe(2)
    await server.publish()
    const late = server.channel({ jitter: () => 1 })
    await late.fetch('/')
    server.now += 0.79 * HOUR
    await late.fetch('/')
    expect(server.manifestFetches).toBe(3)
    server.now += 0.02 * HOUR
    await late.fetch('/')
    expect(server.manifestFetches).toBe(4)
  })

  test('a failed one in the background hurts no call and is not repeated at once', async () => {
    const channel = server.channel({ jitter: () => 0 })
    await channel.fetch('/')
    server.attack = async (request, forward) =>
      request.method === 'GET' ? new Response(null, { status: 503 }) : forward(request)
    server.now += 0.6 * HOUR
    for (let call = 0; call < 5; call++) {
      expect((await channel.fetch('/')).status).toBe(200)
      await new Promise(setImmediate)
    }
    expect(server.manifestFetches).toBe(2)
    server.now += 31_000
    await channel.fetch('/')
    expect(server.manifestFetches).toBe(3)
  })

  test('an old manifest from a cache on the way does not make every call fetch again', async () => {
    server.now += 0.9 * HOUR
    const channel = server.channel({ jitter: () => 0 })
    for (let call = 0; call < 5; call++) await channel.fetch('/')
    expect(server.manifestFetches).toBe(1)
  })

  test('refresh() fetches now and says why it cannot', async () => {
    const channel = server.channel()
    await channel.refresh()
    expect(channel.status().manifest?.sequence).toBe(1)
    server.serve('no manifest')
    expect(await codeOf(channel.refresh())).toBe('SIGNATURE_INVALID')
    expect((await channel.fetch('/')).status).toBe(200)
  })
})

describe('what is refused', () => {
  test('an older manifest, also after a restart, and also when the newest has expired', async () => {
    const old = await server.publish({ epoch: 1, sequence: 5 })
    await server.publish({ epoch: 1, sequence: 6, lifetimeSeconds: 600 })
    await server.channel({ storage }).fetch('/')
    server.serve(old)
    expect(await codeOf(server.channel({ storage }).refresh())).toBe('MANIFEST_ROLLED_BACK')
    server.now += 601_000
    const restarted = server.channel({ storage })
    expect(await codeOf(restarted.fetch('/'))).toBe('MANIFEST_ROLLED_BACK')
    expect((await server.channel().fetch('/')).status).toBe(200)
    await server.publish({ epoch: 2, sequence: 0 })
    expect((await restarted.fetch('/')).status).toBe(200)
  })

  test('a restart with a live manifest in storage needs no fetch', async () => {
    await server.channel({ storage }).fetch('/')
    await server.channel({ storage }).fetch('/')
    expect(server.manifestFetches).toBe(1)
  })

  test('one tab cannot take another back', async () => {
    const old = await server.publish({ sequence: 5 })
    const behind = server.channel({ storage })
    await behind.fetch('/')
    await server.publish({ sequence: 6 })
    await server.channel({ storage }).refresh()
    server.serve(old)
    expect(await codeOf(behind.refresh())).toBe('MANIFEST_ROLLED_BACK')
    expect(JSON.parse((await storage.get('keyhaven/demo@https://server.test//manifest'))!).sequence).toBe(6)
  })

  test('an expired one, by the device clock, and after its lifetime even if that clock is set back', async () => {
    let device = server.now
    const channel = server.channel({ clock: () => device })
    await channel.fetch('/')
    server.now += HOUR
    device -= 1_000_000
    expect(await codeOf(channel.fetch('/'))).toBe('MANIFEST_EXPIRED')
    device = server.now
    expect(await codeOf(channel.fetch('/'))).toBe('MANIFEST_EXPIRED')
    await server.publish()
    expect((await channel.fetch('/')).status).toBe(200)
  })

  test('a clock correction does not prolong a manifest', async () => {
    let device = server.now + 10 * 60_000
    const channel = server.channel({ clock: () => device, monotonic: () => 0 })
    await channel.fetch('/')
    expect(channel.status().clockOffset).toBeLessThan(-9 * 60_000)
    device = server.now + HOUR
    expect(await codeOf(channel.fetch('/'))).toBe('MANIFEST_EXPIRED')
  })

  test('another root', async () => {
    const trust = { rootThumbprints: ['A'.repeat(43)] }
    expect(await codeOf(server.channel({ trust }).fetch('/'))).toBe('SIGNATURE_INVALID')
    expect(server.posts).toBe(0)
  })

  test('another application', async () => {
    expect(await codeOf(server.channel({ applicationId: 'other' }).fetch('/'))).toBe('MANIFEST_INVALID')
  })

  test('what is no manifest at all', async () => {
    const page = '<html>Sign in to this network</html>'
    const answers: [() => Response, string][] = [
      [() => new Response(page, { headers: { 'content-type': 'text/html' } }), 'GATEWAY_REFUSED'],
      [() => new Response(null, { status: 302, headers: { location: '/login' } }), 'GATEWAY_REFUSED'],
      [() => new Response(null, { status: 404 }), 'GATEWAY_REFUSED'],
      [() => new Response(null, { status: 500 }), 'GATEWAY_UNAVAILABLE'],
      [() => new Response(page, { headers: { 'content-type': 'application/jose' } }), 'SIGNATURE_INVALID'],
      [
        () => new Response('x'.repeat(131_073), { headers: { 'content-type': 'application/jose' } }),
        'WIRE_TOO_LARGE',
      ],
    ]
    for (const [answer, code] of answers) {
      server.attack = async () => answer()
      expect(await codeOf(server.channel().fetch('/'))).toBe(code)
    }
    expect(server.runs).toEqual([])
  })
})

describe('a forged refusal gains nothing', () => {
  const refusals: [string, () => Response][] = [
    ['ohttp-key 401', () => forgedProblem(401, 'KEY_REVOKED', OHTTP_KEY_TYPE)],
    ['ohttp-key 400', () => forgedProblem(400, 'KEY_UNKNOWN', OHTTP_KEY_TYPE)],
    ['bare 403', () => new Response(null, { status: 403 })],
    ['html 404', () => new Response('<html>', { status: 404, headers: { 'content-type': 'text/html' } })],
    ['huge 400', () => new Response('{'.repeat(1_000_000), { status: 400 })],
  ]

  test.each(refusals)('%s once: refreshed, sent again, answered', async (_, refusal) => {
    const channel = server.channel()
    await channel.fetch('/')
    let forged = 0
    server.attack = async (request, forward) =>
      request.method === 'POST' && forged++ === 0 ? refusal() : forward(request)
    expect((await channel.fetch('/once')).status).toBe(200)
    expect([server.posts, server.manifestFetches, server.runs]).toEqual([3, 2, ['GET /', 'GET /once']])
  })

  test('always: two attempts, then an error that says so', async () => {
    server.attack = async (request, forward) =>
      request.method === 'POST' ? forgedProblem(401, 'KEY_REVOKED', OHTTP_KEY_TYPE) : forward(request)
    const channel = server.channel()
    const error = await channel.fetch('/').catch((reason) => reason)
    expect([error.code, server.posts]).toEqual(['GATEWAY_REFUSED', 2])
    expect(error.message).toContain('not authenticated')
    server.attack = undefined
    expect((await channel.fetch('/')).status).toBe(200)
  })

  test('with an older manifest held out after it: the older one is refused, the newer key stays', async () => {
    const old = await server.publish({ sequence: 3 })
    await server.addKey(2)
    server.setState(1, 'revoked')
    await server.publish({ sequence: 4 })
    const channel = server.channel()
    await channel.fetch('/')
    server.serve(old)
    const keyIds: number[] = []
    server.attack = async (request, forward) => {
      if (request.method !== 'POST') return forward(request)
      keyIds.push(new Uint8Array(await request.clone().arrayBuffer())[0]!)
      return keyIds.length === 1 ? forgedProblem(401, 'KEY_UNKNOWN', OHTTP_KEY_TYPE) : forward(request)
    }
    expect((await channel.fetch('/')).status).toBe(200)
    expect(keyIds).toEqual([2, 2])
  })

  test('with the refresh blocked as well: the key in use is tried once more', async () => {
    const channel = server.channel()
    await channel.fetch('/')
    let posts = 0
    server.attack = async (request, forward) => {
      if (request.method !== 'POST') throw new TypeError('blocked')
      return posts++ === 0 ? forgedProblem(401, 'KEY_REVOKED', OHTTP_KEY_TYPE) : forward(request)
    }
    expect((await channel.fetch('/')).status).toBe(200)
  })
})

describe('storage', () => {
  test('that cannot be read stops the call: nothing older may slip in', async () => {
    const broken = { get: () => Promise.reject(new Error('disk')), set: () => {} }
    expect(await codeOf(server.channel({ storage: broken }).fetch('/'))).toBe('STORE_UNAVAILABLE')
    expect(server.posts).toBe(0)
  })

  test('that is broken only for a while is asked again', async () => {
    let fails = 2
    const flaky: ChannelStorage = {
      get: (key) => (fails-- > 0 ? Promise.reject(new Error('busy')) : storage.get(key)),
      set: storage.set,
    }
    const channel = server.channel({ storage: flaky })
    expect(await codeOf(channel.fetch('/'))).toBe('STORE_UNAVAILABLE')
    await channel.fetch('/').catch(() => {})
    expect((await channel.fetch('/')).status).toBe(200)
  })

  test('with garbage in it counts as empty, and holds no secret', async () => {
    for (const garbage of ['', '{}', 'null', '{"epoch":"1"}', '{"epoch":0,"sequence":0,"jws":"x"}']) {
      const values = new Map([['keyhaven/demo@https://server.test//manifest', garbage]])
      const channel = server.channel({
        storage: { get: (key) => values.get(key), set: (key, value) => void values.set(key, value) },
      })
      expect((await channel.fetch('/')).status).toBe(200)
      expect([...values.keys()].map((key) => key.split('/').at(-1)).sort()).toEqual([
        'installation',
        'manifest',
      ])
    }
  })

  test('keeps the installation id over a restart', async () => {
    const ids = new Set<string | undefined>()
    server = await createTestServer({
      gateway: { onExchange: ({ client }) => ids.add(client?.installationId), backend: nodeBackend },
    })
    await server.channel({ storage }).fetch('/')
    await server.channel({ storage }).fetch('/')
    expect(ids.size).toBe(1)
    await server.channel().fetch('/')
    expect(ids.size).toBe(2)
  })
})
