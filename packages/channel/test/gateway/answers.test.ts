import { utf8 } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { LightResponse, type SealedHandler, useLightResponse } from '../../src/gateway/index.ts'
import { decodeResponse, encodeRequest } from '../../src/wire/binary-http.ts'
import { sealRequest } from '../../src/wire/encapsulation.ts'
import { formatHttpDate } from '../../src/wire/http-date.ts'
import {
  call,
  createKit,
  field,
  json,
  makeRequest,
  open,
  post,
  START,
  seal,
  sealedError,
  streamOf,
  WHOLE,
} from './gateway-kit.ts'

const DATE = formatHttpDate(START)
const PlatformResponse = globalThis.Response

async function answerOf(handler: SealedHandler, method = 'POST') {
  const kit = await createKit({ handler })
  return call(kit, method === 'POST' ? {} : { method, body: new Uint8Array(0) })
}

/** The same answers from the platform's Response and from the light one. */
describe.each([
  ['Response', PlatformResponse],
  ['LightResponse', LightResponse as unknown as typeof Response],
] as const)('%s', (_name, Response) => {
  test('status, fields and text', async () => {
    const headers = { 'X-One': 'a', 'x-two': 'b, c' }
    const answer = await answerOf(() => new Response('Grüße', { status: 201, headers }))
    expect(answer.status).toBe(201)
    expect([...answer.headers].sort()).toEqual([
      ['content-type', 'text/plain;charset=UTF-8'],
      ['date', DATE],
      ['x-one', 'a'],
      ['x-two', 'b, c'],
    ])
    expect(new TextDecoder().decode(answer.body)).toBe('Grüße')
  })

  test('bytes, nothing, and a given content type', async () => {
    const bytes = Uint8Array.of(0, 1, 255)
    expect((await answerOf(() => new Response(bytes))).body).toEqual(bytes)
    const nothing = await answerOf(() => new Response())
    expect([nothing.status, nothing.headers, nothing.body.length]).toEqual([200, [['date', DATE]], 0])
    const html = await answerOf(() => new Response('<p>', { headers: { 'content-type': 'text/html' } }))
    expect(field(html, 'content-type')).toBe('text/html')
  })

  test.each([
    [
      'Headers',
      () =>
        new Headers([
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['x', '1'],
        ]),
    ],
    [
      'pairs',
      () =>
        [
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['x', '1'],
        ] as [string, string][],
    ],
  ])('fields that are there twice, from %s', async (_kind, headers) => {
    const answer = await answerOf(() => new Response('', { headers: headers() }))
    const cookies = answer.headers.filter(([name]) => name === 'set-cookie')
    expect(cookies).toEqual([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ])
    expect(field(answer, 'x')).toBe('1')
  })

  test('values are trimmed and refused as the platform does', async () => {
    expect(field(await answerOf(() => new Response('', { headers: { x: '  a  ' } })), 'x')).toBe('a')
    const broken = await answerOf(() => new Response('', { headers: { x: 'a\r\nb' } }))
    expect([broken.status, sealedError(broken)]).toEqual([500, 'UPSTREAM_FAILED'])
  })

  test('hop-by-hop fields and fields of ours stay here', async () => {
    const headers = {
      connection: 'x-named',
      'x-named': '1',
      'keep-alive': 'timeout=5',
      'transfer-encoding': 'chunked',
      upgrade: 'h2c',
      'x-keyhaven-error': 'CLOCK_SKEW',
      'x-kept': '1',
    }
    const answer = await answerOf(() => new Response('', { headers }))
    expect(answer.headers.map(([name]) => name).sort()).toEqual(['content-type', 'date', 'x-kept'])
  })

  test('a problem of the application is not taken for one of the gateway', async () => {
    const headers = { 'content-type': 'application/problem+json', 'x-keyhaven-error': 'REPLAYED' }
    const body = JSON.stringify({ code: 'CLOCK_SKEW', now: 0, refusedSince: 0 })
    const answer = await answerOf(() => new Response(body, { status: 400, headers }))
    expect(sealedError(answer)).toBeUndefined()
  })

  test.each([204, 205, 304])('%i has no content', async (status) => {
    const answer = await answerOf(() => new Response(null, { status, headers: { etag: '"1"' } }))
    expect([answer.status, answer.body.length, field(answer, 'etag')]).toEqual([status, 0, '"1"'])
  })

  test('HEAD has no content but may say its length', async () => {
    const answer = await answerOf(() => new Response('hello', { headers: { 'content-length': '5' } }), 'HEAD')
    expect([answer.body.length, field(answer, 'content-length')]).toEqual([0, '5'])
  })

  test('a content-length that is wrong is left out', async () => {
    const wrong = await answerOf(() => new Response('hello', { headers: { 'content-length': '7' } }))
    expect(field(wrong, 'content-length')).toBeUndefined()
    const right = await answerOf(() => new Response('hello', { headers: { 'content-length': '5' } }))
    expect(field(right, 'content-length')).toBe('5')
  })

  test.each([200, 299, 404, 500, 599])('status %i is passed on', async (status) => {
    expect((await answerOf(() => new Response('', { status }))).status).toBe(status)
  })

  test.each([100, 101, 199, 600, 0])('status %i cannot be', async (status) => {
    const answer = await answerOf(() => new Response('', { status }))
    expect([answer.status, sealedError(answer)]).toEqual([500, 'UPSTREAM_FAILED'])
  })

  test('Response.error(), Response.json() and redirects', async () => {
    expect(sealedError(await answerOf(() => Response.error()))).toBe('UPSTREAM_FAILED')
    const answer = await answerOf(() => Response.json({ a: 1 }, { status: 202 }))
    expect([answer.status, json(answer), field(answer, 'content-type')]).toEqual([
      202,
      { a: 1 },
      'application/json',
    ])
    const moved = await answerOf(() => Response.redirect('https://api.example/v2', 307))
    expect([moved.status, field(moved, 'location')]).toEqual([307, 'https://api.example/v2'])
  })

  test('a stream, a Blob, a form', async () => {
    const stream = () => new Response(streamOf([utf8('a'), utf8('b')]))
    expect(new TextDecoder().decode((await answerOf(stream)).body)).toBe('ab')
    const blob = await answerOf(() => new Response(new Blob(['abc'], { type: 'text/x' })))
    expect([field(blob, 'content-type'), blob.body.length]).toEqual(['text/x', 3])
    const form = await answerOf(() => new Response(new URLSearchParams({ a: '1' })))
    expect(new TextDecoder().decode(form.body)).toBe('a=1')
  })
})

describe('a handler that fails', () => {
  test.each<[string, SealedHandler]>([
    [
      'throws',
      () => {
        throw new Error('password=secret')
      },
    ],
    ['rejects', () => Promise.reject(new Error('password=secret'))],
    ['answers nothing', (() => undefined) as unknown as SealedHandler],
    ['answers something else', (() => 'text') as unknown as SealedHandler],
    [
      'answers with a body that was read',
      async () => {
        const response = new Response('x')
        await response.text()
        return response
      },
    ],
    ['answers with a stream of text', () => new Response(streamOf(['text']))],
  ])('%s: 500 inside the seal, and no word of why', async (_name, handler) => {
    const answer = await answerOf(handler)
    expect([answer.status, sealedError(answer)]).toEqual([500, 'UPSTREAM_FAILED'])
    expect(new TextDecoder().decode(answer.body)).not.toContain('secret')
  })

  test('with an error of ours: still its own, not a refusal by the gateway', async () => {
    const { KeyhavenError } = await import('@keyhaven/crypto')
    const answer = await answerOf(() => {
      throw new KeyhavenError('REPLAYED', 'inner')
    })
    expect(sealedError(answer)).toBe('UPSTREAM_FAILED')
  })
})

describe('LightResponse in the place of Response', () => {
  test('is the global one after useLightResponse, for code that checks with instanceof too', () => {
    try {
      useLightResponse()
      const light = new Response('x')
      expect(light).toBeInstanceOf(PlatformResponse)
      expect(light).toBeInstanceOf(Response)
      expect(Response.json({})).toBeInstanceOf(PlatformResponse)
    } finally {
      globalThis.Response = PlatformResponse
    }
  })

  test('does all that a Response does', async () => {
    const Light = LightResponse as unknown as typeof Response
    const response = new Light('hello', { status: 203, statusText: 'so', headers: { x: '1' } })
    expect([response.status, response.ok, response.statusText, response.type]).toEqual([
      203,
      true,
      'so',
      'default',
    ])
    expect(response.headers.get('x')).toBe('1')
    expect(await response.clone().text()).toBe('hello')
    expect(await response.text()).toBe('hello')
    expect(response.bodyUsed).toBe(true)
    await expect(response.text()).rejects.toThrow(TypeError)
    expect(() => new Light('x', { status: 99 })).toThrow(RangeError)
    expect(() => new Light('x', { status: 204 }).body).toThrow(TypeError)
  })

  test('a field set after it was made is in the answer', async () => {
    const Light = LightResponse as unknown as typeof Response
    const answer = await answerOf(() => {
      const response = new Light('hello')
      response.headers.set('x-late', '1')
      return response
    })
    expect(field(answer, 'x-late')).toBe('1')
  })
})

describe('message/ohttp-req', () => {
  test('is answered with message/ohttp-res, padded', async () => {
    const kit = await createKit({ handler: () => new Response('hello', { status: 418 }) })
    const sealed = await sealRequest(kit.backend, kit.recipient, encodeRequest(makeRequest()))
    const answer = await post(kit, sealed.encapsulated, WHOLE)
    expect(answer.headers).toContainEqual(['content-type', 'message/ohttp-res'])
    expect(answer.headers).toContainEqual(['cache-control', 'no-store'])
    const response = decodeResponse(await sealed.open(answer.body))
    expect([response.status, new TextDecoder().decode(response.body)]).toEqual([418, 'hello'])
    for (const change of [
      answer.body.slice(0, -1),
      Uint8Array.of(...answer.body, 0),
      answer.body.slice(0, 40),
    ]) {
      await expect(sealed.open(change)).rejects.toMatchObject({ code: 'OPEN_FAILED' })
    }
  })

  test('a long answer that streams is collected', async () => {
    const handler = () => new Response(streamOf([new Uint8Array(90_000), new Uint8Array(90_000)]))
    const kit = await createKit({ handler })
    const sealed = await sealRequest(kit.backend, kit.recipient, encodeRequest(makeRequest()))
    const answer = await post(kit, sealed.encapsulated, WHOLE)
    expect(decodeResponse(await sealed.open(answer.body)).body.length).toBe(180_000)
  })
})

test('each flipped bit and each cut of an answer is refused by the client', async () => {
  const kit = await createKit({ handler: () => new Response('hello') })
  const { envelope, sealer } = await seal(kit)
  const answer = await post(kit, envelope)
  for (let bit = 0; bit < answer.body.length * 8; bit++) {
    const flipped = Uint8Array.from(answer.body)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    await expect(open(sealer, { ...answer, body: flipped })).rejects.toMatchObject({ code: 'OPEN_FAILED' })
  }
  for (let length = 0; length < answer.body.length; length++) {
    const cut = answer.body.slice(0, length)
    await expect(open(sealer, { ...answer, body: cut })).rejects.toMatchObject({ code: 'OPEN_FAILED' })
  }
})

test('usage figures: one event for each exchange, and a failing listener changes nothing', async () => {
  const events: object[] = []
  const kit = await createKit({
    onExchange(event) {
      events.push(event)
      throw new Error('metrics are down')
    },
    allowPath: (path) => path !== '/no',
  })
  const client = {
    installationId: 'installation-1',
    appVersion: '2.0.1',
    sdkVersion: '0.1.0',
    trust: 'pinned',
  }
  expect((await call(kit)).status).toBe(200)
  await call(kit, { path: '/no' })
  await post(kit, new Uint8Array(0))
  await post(kit, (await seal({ ...kit, recipient: { ...kit.recipient, keyId: 9 } })).envelope)
  expect(events).toEqual([
    { applicationId: 'default', keyId: 7, client, outcome: 'answered' },
    { applicationId: 'default', keyId: 7, client, outcome: 'ACCESS_DENIED' },
    { applicationId: 'default', outcome: 'OPEN_FAILED' },
    { applicationId: 'default', outcome: 'KEY_REVOKED' },
  ])
})
