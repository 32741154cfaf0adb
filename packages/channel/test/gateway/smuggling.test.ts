import { utf8 } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { type BhttpField, type BhttpRequest, encodeRequest } from '../../src/wire/binary-http.ts'
import { formatHttpDate } from '../../src/wire/http-date.ts'
import {
  call,
  createKit,
  json,
  makeRequest,
  open,
  post,
  sealBytes,
  sealedError,
  withField,
} from './gateway-kit.ts'

const NOTHING = new Uint8Array(0)

describe('smuggled through Binary HTTP, with a right key', () => {
  const also = (...fields: BhttpField[]): Partial<BhttpRequest> => ({
    headers: [...makeRequest().headers, ...fields],
  })

  test.each<[string, Partial<BhttpRequest>]>([
    ['two content-lengths', also(['content-length', '19'], ['content-length', '3'])],
    ['a content-length that contradicts', also(['content-length', '3'])],
    ['transfer-encoding', also(['transfer-encoding', 'chunked'])],
    ['a control character in a name', also(['x\x0bcontent-length', '3'])],
    ['a colon in a name', also(['x:', '3'])],
    ['a name in upper case', also(['Content-Length', '19'])],
    ['a line end in a value', also(['x', 'a\r\n\r\nGET /admin HTTP/1.1'])],
    ['NUL in a value', also(['x', 'a\0b'])],
    ['an absolute path', { path: 'http://internal.example/admin' }],
    ['CONNECT', { method: 'CONNECT', path: '/', body: NOTHING }],
    ['OPTIONS *', { method: 'OPTIONS', path: '*', body: NOTHING }],
    ['an empty method', { method: '' }],
    ['a path that leaves its prefix', { path: '/v1/../admin/v1/tokens' }],
    ['a path that leaves its prefix once decoded', { path: '/v1/%2e%2e/admin' }],
    ['another host', also(['host', 'internal.example'])],
    ['an authority that is none', { authority: 'api.example@internal.example' }],
    ['an address that URL would write differently', { authority: '127.1' }],
    ['scheme file', { scheme: 'file' }],
    ['a second request in the content of GET', { method: 'GET', body: utf8('GET /admin HTTP/1.1\r\n\r\n') }],
    ['two request ids', also(['x-keyhaven-request-id', 'AAAAAAAAAAAAAAAAAAAAAA'])],
    ['two dates', also(['date', formatHttpDate(0)])],
  ])('%s is refused inside the seal and does not run', async (_name, change) => {
    const kit = await createKit()
    const answer = await call(kit, change)
    expect([answer.status, sealedError(answer)]).toEqual([400, 'WIRE_MALFORMED'])
    expect(kit.seen).toEqual([])
  })

  test('padding that is not zero, and bytes after it', async () => {
    const kit = await createKit()
    const bytes = encodeRequest(makeRequest())
    for (const tail of [[1], [0, 0, 7], [...bytes]]) {
      const { envelope, sealer } = await sealBytes(kit, Uint8Array.of(...bytes, ...tail))
      expect(sealedError(await open(sealer, await post(kit, envelope)))).toBe('WIRE_MALFORMED')
    }
    expect(kit.seen).toEqual([])
  })

  test('a response in the place of a request', async () => {
    const kit = await createKit()
    const { envelope, sealer } = await sealBytes(kit, Uint8Array.of(1, 0x40, 200, 0, 0, 0))
    expect(sealedError(await open(sealer, await post(kit, envelope)))).toBe('WIRE_MALFORMED')
  })
})

describe('what the handler sees', () => {
  test('no field of ours, nothing hop-by-hop, nothing that connection names', async () => {
    const kit = await createKit()
    const headers: BhttpField[] = [
      ...makeRequest().headers,
      ['x-keyhaven-device', 'forged'],
      ['connection', 'x-secret, keep-alive'],
      ['x-secret', '1'],
      ['te', 'trailers'],
      ['upgrade', 'websocket'],
      ['proxy-authorization', 'x'],
      ['x-kept', 'a'],
      ['x-kept', 'b'],
      ['cookie', 'a=1'],
      ['cookie', 'b=2'],
    ]
    const answer = json(await call(kit, { headers }))
    expect(answer.fields).toEqual([
      ['content-type', 'text/plain'],
      ['cookie', 'a=1; b=2'],
      ['date', expect.any(String)],
      ['x-kept', 'a, b'],
    ])
  })

  test('the address in the form of URL, from the authority or the host field', async () => {
    const kit = await createKit()
    const urlOf = async (change: Partial<BhttpRequest>) => json(await call(kit, change)).url
    expect(await urlOf({ authority: 'API.example:443', path: '/v1/x?a=%20' })).toBe(
      'https://api.example/v1/x?a=%20',
    )
    expect(await urlOf({ scheme: 'http', authority: 'api.example:8080' })).toBe(
      'http://api.example:8080/v1/things',
    )
    const headers: BhttpField[] = [...makeRequest().headers, ['host', 'from-host.example']]
    expect(await urlOf({ authority: '', headers })).toBe('https://from-host.example/v1/things')
    expect(await urlOf({ authority: '[::1]:99' })).toBe('https://[::1]:99/v1/things')
  })

  test('only paths that are allowed', async () => {
    const kit = await createKit({ allowPath: (path) => path === '/v1' || path.startsWith('/v1/') })
    expect((await call(kit, { path: '/v1/x?../admin' })).status).toBe(200)
    for (const path of [
      '/',
      '/v1x',
      '/admin',
      '/V1/x',
      '//v1/x',
      '/%76%31/x',
      '/gateway/default',
      '/metrics?/v1/',
    ]) {
      const answer = await call(kit, { path })
      expect([path, answer.status, sealedError(answer)]).toEqual([path, 403, 'ACCESS_DENIED'])
    }
    expect(kit.seen).toHaveLength(1)
  })

  test('who asks, from inside the seal only', async () => {
    const contexts: object[] = []
    const kit = await createKit({
      handler(_request, { export: _, ...context }) {
        contexts.push(context)
        return new Response()
      },
    })
    await call(kit)
    await call(kit, withField('x-keyhaven-client', undefined))
    expect(contexts).toEqual([
      {
        applicationId: 'default',
        keyId: 7,
        requestId: expect.stringMatching(/^[\w-]{22}$/),
        client: {
          installationId: 'installation-1',
          appVersion: '2.0.1',
          sdkVersion: '0.1.0',
          trust: 'pinned',
        },
      },
      { applicationId: 'default', keyId: 7, requestId: expect.any(String) },
    ])
  })

  test('a value that only the two ends know', async () => {
    let exported: Uint8Array | undefined
    const kit = await createKit({
      async handler(_request, context) {
        exported = await context.export(utf8('device signature'), 24)
        return new Response()
      },
    })
    const { envelope, sealer } = await sealBytes(kit, encodeRequest(makeRequest()))
    await post(kit, envelope)
    expect(exported).toEqual(await sealer.export(utf8('device signature'), 24))
    expect(exported).not.toEqual(await sealer.export(utf8('other'), 24))
  })
})
