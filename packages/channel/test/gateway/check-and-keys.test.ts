import { utf8 } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { createGateway, type GatewayOptions, staticGatewayKeys } from '../../src/gateway/index.ts'
import { formatHttpDate } from '../../src/wire/http-date.ts'
import { decodeKeyConfigList } from '../../src/wire/key-config.ts'
import {
  CHUNKED,
  createKit,
  type Kit,
  makeRequest,
  outer,
  post,
  START,
  seal,
  sealBytes,
  WHOLE,
  withField,
} from './gateway-kit.ts'

describe('check: would this envelope be accepted?', () => {
  const check = (kit: Kit, envelope: Uint8Array, type = CHUNKED) =>
    kit.gateway.check(envelope, type, 'default')

  test('yes, and it marks nothing and runs nothing', async () => {
    const kit = await createKit()
    const { envelope } = await seal(kit)
    for (let time = 0; time < 3; time++) expect(await check(kit, envelope)).toEqual({ accepted: true })
    expect(kit.seen).toEqual([])
    expect((await post(kit, envelope)).status).toBe(200)
    expect(kit.seen).toHaveLength(1)
    expect(await check(kit, envelope)).toMatchObject({ accepted: false, reason: 'replayed' })
  })

  test('no, and why', async () => {
    const kit = await createKit()
    const { envelope } = await seal(kit)
    const keyed = async (keyId: number) =>
      (await seal({ ...kit, recipient: { ...kit.recipient, keyId } })).envelope
    const dated = async (date: string | undefined) =>
      (await seal(kit, makeRequest(withField('date', date)))).envelope
    const cases: [Uint8Array, string, string][] = [
      [await keyed(8), CHUNKED, 'unknown-key'],
      [await keyed(9), CHUNKED, 'revoked'],
      [envelope.slice(0, -1), CHUNKED, 'not-openable'],
      [envelope, WHOLE, 'not-openable'],
      [new Uint8Array(0), CHUNKED, 'malformed'],
      [envelope.slice(0, 1), CHUNKED, 'malformed'],
      [envelope.slice(0, 1), WHOLE, 'malformed'],
      [envelope.slice(0, 7), CHUNKED, 'malformed'],
      [envelope.slice(0, 7 + 32 + 15), CHUNKED, 'malformed'],
      [envelope.slice(0, 7 + 32 + 16), CHUNKED, 'not-openable'],
      [envelope, 'text/plain', 'malformed'],
      [(await sealBytes(kit, utf8('no BHTTP'))).envelope, CHUNKED, 'malformed'],
      [(await seal(kit, makeRequest({ path: 'x' }))).envelope, CHUNKED, 'malformed'],
      [(await seal(kit, makeRequest({ authority: '127.1' }))).envelope, CHUNKED, 'malformed'],
      [await dated(undefined), CHUNKED, 'clock'],
      [await dated(formatHttpDate(START - 121_000)), CHUNKED, 'clock'],
      [await dated(formatHttpDate(START + 31_000)), CHUNKED, 'clock'],
    ]
    for (const [bytes, type, reason] of cases) {
      expect(await check(kit, bytes, type)).toMatchObject({
        accepted: false,
        reason,
        detail: expect.any(String),
      })
    }
    expect(kit.seen).toEqual([])
  })

  test('an unknown application and a store that is gone are errors of the call', async () => {
    const kit = await createKit()
    const { envelope } = await seal(kit)
    await expect(kit.gateway.check(envelope, CHUNKED, 'other')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const gone = { refusesBefore: 0, insert: () => true, has: () => Promise.reject(new Error('gone')) }
    const broken = await createKit({ replay: gone })
    const again = await seal(broken)
    await expect(check(broken, again.envelope)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })
})

describe('GET: the key configurations', () => {
  test('of active keys, newest first, with the media type and a short life in caches', async () => {
    const kit = await createKit()
    const pair = await kit.backend.kem.generateKeyPair('x-wing')
    const keys = staticGatewayKeys(
      [
        { keyId: 3, privateKey: pair.privateKey, aeads: ['aes-256-gcm'] },
        { keyId: 4, privateKey: pair.privateKey, state: 'pending' },
        { keyId: 2, privateKey: kit.pair.privateKey },
        { keyId: 1, privateKey: kit.pair.privateKey, state: 'retiring' },
        { keyId: 0 },
      ],
      'default',
    )
    const options: GatewayOptions = { keys, replay: kit.gateway as never, handler: () => new Response() }
    const gateway = createGateway(options)
    const answer = await outer(await gateway(new Request('https://gateway.example/')))
    expect(answer.status).toBe(200)
    expect(answer.headers).toEqual([
      ['cache-control', 'public, max-age=60'],
      ['content-length', String(answer.body.length)],
      ['content-type', 'application/ohttp-keys'],
    ])
    expect(decodeKeyConfigList(answer.body)).toEqual([
      { keyId: 3, kem: 'x-wing', publicKey: pair.publicKey.bytes, symmetric: [{ kdf: 1, aead: 2 }] },
      {
        keyId: 2,
        kem: 'x25519',
        publicKey: kit.pair.publicKey.bytes,
        symmetric: [
          { kdf: 1, aead: 2 },
          { kdf: 1, aead: 1 },
          { kdf: 1, aead: 3 },
        ],
      },
    ])
    const head = await outer(await gateway(new Request('https://gateway.example/', { method: 'HEAD' })))
    expect([head.status, head.body.length]).toEqual([200, 0])
  })

  test('of an application that does not exist: 404', async () => {
    const kit = await createKit()
    const answer = await outer(await kit.gateway(new Request('https://gateway.example/'), 'other'))
    expect(answer.status).toBe(404)
  })

  test('pending and retiring keys open; a key list with the same id twice is a mistake', async () => {
    const kit = await createKit()
    for (const state of ['pending', 'active', 'retiring'] as const) {
      const keys = staticGatewayKeys([{ keyId: 7, privateKey: kit.pair.privateKey, state }], 'default')
      const other = await createKit({ keys })
      expect((await post(other, (await seal(kit)).envelope)).status).toBe(200)
    }
    const twice = [{ keyId: 7 }, { keyId: 7 }]
    expect(() => staticGatewayKeys(twice, 'default')).toThrow(TypeError)
  })
})
