import { utf8 } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { LightRequest } from '../../src/gateway/light-request.ts'
import type { BhttpField } from '../../src/wire/bhttp-message.ts'
import { streamOf } from './gateway-kit.ts'

const FIELDS: BhttpField[] = [
  ['content-type', 'application/json'],
  ['x-two', 'a'],
  ['x-two', 'b'],
  ['cookie', 'a=1'],
  ['cookie', 'b=2'],
]

function light(body: Uint8Array | ReadableStream<Uint8Array> | null = utf8('{"a":1}')): Request {
  return new LightRequest({ method: 'POST', url: 'https://api.example/v1/x?y', fields: FIELDS, body })
}

const stream = () => streamOf([utf8('{"a"'), utf8(':1}')])

describe.each([
  ['bytes', () => utf8('{"a":1}')],
  ['a stream', stream],
])('a light request with %s', (_name, body) => {
  test('is read in each way, once', async () => {
    expect(await light(body()).text()).toBe('{"a":1}')
    expect(await light(body()).json()).toEqual({ a: 1 })
    expect(new Uint8Array(await light(body()).arrayBuffer())).toEqual(utf8('{"a":1}'))
    expect(await light(body()).bytes()).toEqual(utf8('{"a":1}'))
    expect(await (await light(body()).blob()).text()).toBe('{"a":1}')
    const request = light(body())
    expect(request.bodyUsed).toBe(false)
    await request.text()
    expect(request.bodyUsed).toBe(true)
    await expect(request.json()).rejects.toThrow(TypeError)
    await expect(request.blob().catch(Promise.reject.bind(Promise))).rejects.toThrow(TypeError)
  })

  test('gives its body as a stream', async () => {
    const request = light(body())
    let text = ''
    for await (const piece of request.body!) text += new TextDecoder().decode(piece)
    expect(text).toBe('{"a":1}')
    expect(request.bodyUsed).toBe(true)
    await expect(request.text()).rejects.toThrow(TypeError)
  })

  test('is cloned into real ones, and both can be read', async () => {
    const request = light(body())
    const clone = request.clone()
    expect(clone.constructor).toBe(Request)
    expect([clone.method, clone.url, clone.headers.get('x-two')]).toEqual(['POST', request.url, 'a, b'])
    expect(await clone.text()).toBe('{"a":1}')
    expect(await request.text()).toBe('{"a":1}')
  })
})

test('is a Request, with the properties of one', () => {
  const request = light()
  expect(request).toBeInstanceOf(Request)
  const real = new Request(request.url, { method: 'POST' })
  for (const name of [
    'cache',
    'credentials',
    'destination',
    'integrity',
    'keepalive',
    'mode',
    'redirect',
    'referrer',
    'referrerPolicy',
  ] as const) {
    expect(request[name]).toBe(real[name])
  }
  expect(request.signal.aborted).toBe(false)
})

test('a request without a body has none', async () => {
  const request = light(null)
  expect(request.body).toBeNull()
  expect(await request.text()).toBe('')
  expect(request.bodyUsed).toBe(false)
})

test('aborts when the caller goes away', () => {
  const controller = new AbortController()
  const request = new LightRequest({
    method: 'GET',
    url: 'https://api.example/',
    fields: [],
    body: null,
    signal: () => controller.signal,
  })
  controller.abort()
  expect(request.signal.aborted).toBe(true)
})

test('is not silently turned into another request', () => {
  expect(() => new Request(light())).toThrow()
})

describe('its headers', () => {
  test('are looked up without regard to case, joined as the platform joins them', () => {
    const { headers } = light()
    expect(headers).toBeInstanceOf(Headers)
    expect(headers.get('Content-Type')).toBe('application/json')
    expect(headers.get('x-two')).toBe('a, b')
    expect(headers.get('cookie')).toBe('a=1; b=2')
    expect(headers.get('x-none')).toBeNull()
    expect([headers.has('X-TWO'), headers.has('x-none')]).toEqual([true, false])
  })

  test('do all that Headers do', () => {
    const { headers } = light()
    const all = [
      ['content-type', 'application/json'],
      ['cookie', 'a=1; b=2'],
      ['x-two', 'a, b'],
    ]
    expect([...headers]).toEqual(all)
    expect([...headers.entries()]).toEqual(all)
    expect([...headers.keys()]).toEqual(all.map(([name]) => name))
    expect([...headers.values()]).toEqual(all.map(([, value]) => value))
    const seen: string[][] = []
    headers.forEach((value, name) => {
      seen.push([name, value])
    })
    expect(seen).toEqual(all)
    expect([...new Headers(headers)]).toEqual(all)
    headers.set('x-two', 'c')
    headers.append('x-three', 'd')
    headers.delete('cookie')
    expect([headers.get('x-two'), headers.get('x-three'), headers.get('cookie')]).toEqual(['c', 'd', null])
    expect(headers.getSetCookie()).toEqual([])
  })
})
