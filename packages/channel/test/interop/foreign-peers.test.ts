import { createChannel } from '@keyhaven/channel'
import { createGateway, createMemoryReplayStore, staticGatewayKeys } from '@keyhaven/channel/gateway'
import { toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { BHttpDecoder, BHttpEncoder } from 'bhttp-js'
import { describe, expect, test } from 'vitest'
import {
  aead,
  chunkNonce,
  concat,
  firstKey,
  recipient,
  responseKey,
  sender,
  suite,
  text,
} from './foreign-ohttp.ts'

const RESPONSE_NONCE_BYTES = 32
const TAG_BYTES = 16
const FINAL = text('final')
/** Without a query: the encoder of bhttp-js 0.2.1 leaves that out. */
const URL_INSIDE = 'https://server.test/v1/echo'

describe('a client that is not ours', () => {
  async function gatewayWithKey() {
    const { privateKey } = await nodeBackend.kem.generateKeyPair('x25519')
    return createGateway({
      keys: staticGatewayKeys([{ keyId: 7, privateKey }], 'demo'),
      handler: async (request) =>
        Response.json(
          { method: request.method, url: request.url, body: await request.text() },
          { status: 201, headers: { 'x-answer': 'yes' } },
        ),
      replay: createMemoryReplayStore(Date.now, { refusesBefore: 1 }),
      backend: nodeBackend,
    })
  }

  const insideRequest = () =>
    new BHttpEncoder().encodeRequest(
      new Request(URL_INSIDE, {
        method: 'POST',
        body: 'from afar',
        headers: { date: new Date().toUTCString(), 'content-type': 'text/plain' },
      }),
    )

  test('fetches the key configurations, and makes a call of RFC 9458', async () => {
    const gateway = await gatewayWithKey()
    const keys = await gateway(new Request('https://server.test/gateway/demo'), 'demo')
    expect(keys.headers.get('content-type')).toBe('application/ohttp-keys')
    const { header, enc, context, secret } = await sender(
      'request',
      firstKey(new Uint8Array(await keys.arrayBuffer())),
    )
    const sealed = new Uint8Array(await context.seal((await insideRequest()).slice().buffer))
    const outer = await gateway(
      new Request('https://server.test/gateway/demo', {
        method: 'POST',
        headers: { 'content-type': 'message/ohttp-req' },
        body: concat(header, enc, sealed),
      }),
      'demo',
    )
    expect([outer.status, outer.headers.get('content-type')]).toEqual([200, 'message/ohttp-res'])
    const bytes = new Uint8Array(await outer.arrayBuffer())
    const responseNonce = bytes.subarray(0, RESPONSE_NONCE_BYTES)
    const { key, nonce } = responseKey(await secret(), enc, responseNonce)
    const opened = await (await aead(key, 'decrypt'))(nonce, bytes.subarray(RESPONSE_NONCE_BYTES))
    const response = new BHttpDecoder().decodeResponse(opened)
    expect([response.status, response.headers.get('x-answer')]).toEqual([201, 'yes'])
    expect(await response.json()).toEqual({ method: 'POST', url: URL_INSIDE, body: 'from afar' })
  })

  test('makes a call in chunks', async () => {
    const gateway = await gatewayWithKey()
    const keys = await gateway(new Request('https://server.test/gateway/demo'), 'demo')
    const { header, enc, context, secret } = await sender(
      'chunked request',
      firstKey(new Uint8Array(await keys.arrayBuffer())),
    )
    const inside = await insideRequest()
    const first = new Uint8Array(await context.seal(inside.slice(0, 50).buffer))
    const last = new Uint8Array(
      await context.seal(inside.slice(50).buffer, FINAL.slice().buffer as ArrayBuffer),
    )
    const framed = concat(header, enc, Uint8Array.of(0x40, first.length), first, Uint8Array.of(0), last)
    const outer = await gateway(
      new Request('https://server.test/gateway/demo', {
        method: 'POST',
        headers: { 'content-type': 'message/ohttp-chunked-req' },
        body: framed,
      }),
      'demo',
    )
    expect([outer.status, outer.headers.get('content-type')]).toEqual([200, 'message/ohttp-chunked-res'])
    const bytes = new Uint8Array(await outer.arrayBuffer())
    const { key, nonce } = responseKey(await secret(), enc, bytes.subarray(0, RESPONSE_NONCE_BYTES))
    expect(bytes[RESPONSE_NONCE_BYTES]).toBe(0)
    const open = await aead(key, 'decrypt')
    const opened = await open(chunkNonce(nonce, 0), bytes.subarray(RESPONSE_NONCE_BYTES + 1), FINAL)
    expect(await new BHttpDecoder().decodeResponse(opened).json()).toMatchObject({ body: 'from afar' })
  })
})

test('a gateway that is not ours opens what our client sends, and our client opens its answer', async () => {
  const pair = await suite.kem.generateKeyPair()
  const publicKey = new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey))
  const received: unknown[] = []

  const foreignGateway: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    const envelope = new Uint8Array(await request.arrayBuffer())
    const { header, enc, context, rest, secret } = await recipient('chunked request', pair, envelope)
    expect([...header]).toEqual([9, 0, 0x20, 0, 1, 0, 2])
    expect(rest[0]).toBe(0)
    const opened = await context.open(rest.slice(1).buffer, FINAL.slice().buffer as ArrayBuffer)
    const inside = new BHttpDecoder().decodeRequest(opened)
    received.push(inside.method, inside.url, inside.headers.get('x-mine'), await inside.text())
    const answer = new Response('answer from afar', { status: 202, headers: { 'x-answer': 'yes' } })
    const bhttp = await new BHttpEncoder().encodeResponse(answer)
    const responseNonce = crypto.getRandomValues(new Uint8Array(RESPONSE_NONCE_BYTES))
    const { key, nonce } = responseKey(await secret(), enc, responseNonce)
    const seal = await aead(key, 'encrypt')
    const first = await seal(chunkNonce(nonce, 0), bhttp.subarray(0, 10))
    const last = await seal(chunkNonce(nonce, 1), bhttp.subarray(10), FINAL)
    expect(first.length).toBe(10 + TAG_BYTES)
    const body = concat(responseNonce, Uint8Array.of(first.length), first, Uint8Array.of(0), last)
    return new Response(body, { headers: { 'content-type': 'message/ohttp-chunked-res' } })
  }

  const channel = createChannel({
    url: 'https://server.test',
    applicationId: 'demo',
    trust: { pinnedKeys: [{ keyId: 9, publicKey: toBase64url(publicKey) }] },
    fetch: foreignGateway,
    backend: nodeBackend,
  })
  const init = { method: 'POST', body: 'to afar', headers: { 'x-mine': 'yes' } }
  const response = await channel.fetch('/v1/echo?a=1', init)
  expect(received).toEqual(['POST', `${URL_INSIDE}?a=1`, 'yes', 'to afar'])
  expect([response.status, response.headers.get('x-answer')]).toEqual([202, 'yes'])
  expect(await response.text()).toBe('answer from afar')
})
