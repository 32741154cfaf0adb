import { type RequestToSign, SIGNED_BODY_MAX_BYTES, type SignRequest } from '@keyhaven/channel'
import type { SealedHandler } from '@keyhaven/channel/gateway'
import { toHex, utf8 } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { byteStream } from './byte-stream.ts'
import { codeOf, createTestServer, forgedProblem, OHTTP_KEY_TYPE, type TestServer } from './test-server.ts'

const LABEL = utf8('test label')
const EXPORT_BYTES = 32
const DAY_MS = 86_400_000

let server: TestServer
/** What `sign` was called with, and what the handler saw. */
let asked: RequestToSign[]
let ran: { bound: string | null; own: string; requestId: string | undefined; body: string }[]

beforeEach(async () => {
  server = await createTestServer()
  server.handler = record
  asked = []
  ran = []
})

const record: SealedHandler = async (request, context) => {
  ran.push({
    bound: request.headers.get('bound'),
    own: toHex(await context.export(LABEL, EXPORT_BYTES)),
    requestId: context.requestId,
    body: await request.text(),
  })
  return new Response('done')
}

const sign: SignRequest = async (request) => {
  asked.push(request)
  return [['bound', toHex(await request.export(LABEL, EXPORT_BYTES))]]
}

describe('signedFetch', () => {
  test('gives both ends the same exported value, and shows what is sent', async () => {
    const response = await server
      .channel()
      .signedFetch('/v1/a%20b?x=1&y', { method: 'POST', body: 'hello' }, sign)
    expect(await response.text()).toBe('done')
    const [request] = asked
    expect(request).toMatchObject({
      method: 'POST',
      authority: 'server.test',
      path: '/v1/a%20b',
      query: '?x=1&y',
    })
    expect(request?.body).toEqual(utf8('hello'))
    expect(ran).toHaveLength(1)
    expect(ran[0]?.bound).toBe(ran[0]?.own)
  })

  test('knows a request without query and body', async () => {
    await server.channel().signedFetch('/v1/x', undefined, sign)
    expect(asked[0]).toMatchObject({ method: 'GET', path: '/v1/x', query: '', body: new Uint8Array(0) })
  })

  test('exports another value for another label, and for another request', async () => {
    const values: string[] = []
    const channel = server.channel()
    const collect: SignRequest = async (request) => {
      values.push(toHex(await request.export(LABEL, EXPORT_BYTES)))
      values.push(toHex(await request.export(utf8('other label'), EXPORT_BYTES)))
      return []
    }
    await channel.signedFetch('/', {}, collect)
    await channel.signedFetch('/', {}, collect)
    expect(new Set(values).size).toBe(4)
  })

  test('signs anew for a refreshed key, under the same request id', async () => {
    const channel = server.channel()
    await channel.signedFetch('/', { method: 'POST', body: 'first' }, sign)
    await server.addKey(2)
    server.setState(1, 'revoked')
    await server.publish()
    await channel.signedFetch('/', { method: 'POST', body: 'second' }, sign)
    expect(asked).toHaveLength(3)
    expect(ran).toHaveLength(2)
    expect(ran[1]).toMatchObject({ bound: ran[1]?.own, body: 'second' })
  })

  test('does not run twice when the refusal that caused the retry was forged', async () => {
    server.attack = async (request, forward) => {
      const answer = await forward(request)
      if (request.method !== 'POST' || server.posts > 1) return answer
      await server.addKey(2)
      await server.publish()
      return forgedProblem(401, 'KEY_UNKNOWN', OHTTP_KEY_TYPE)
    }
    const call = server.channel().signedFetch('/', { method: 'POST', body: 'once' }, sign)
    expect(await codeOf(call)).toBe('RESULT_UNKNOWN')
    expect(asked).toHaveLength(2)
    const [first, second] = await Promise.all(asked.map((request) => request.export(LABEL, EXPORT_BYTES)))
    expect(first).not.toEqual(second)
    expect(ran).toHaveLength(1)
  })

  test('signs anew after a corrected clock', async () => {
    const channel = server.channel({ clock: () => server.now - DAY_MS / 24 })
    await channel.signedFetch('/', { method: 'POST', body: 'late' }, sign)
    expect(asked).toHaveLength(2)
    expect(ran).toHaveLength(1)
    expect(ran[0]?.bound).toBe(ran[0]?.own)
  })

  test('reads a stream into memory, so that it can be signed and sent twice', async () => {
    const channel = server.channel()
    await channel.signedFetch('/', {}, sign)
    await server.addKey(2)
    server.setState(1, 'revoked')
    await server.publish()
    const body = byteStream([utf8('in '), utf8('pieces')])
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    await channel.signedFetch('/', init, sign)
    expect(ran[1]?.body).toBe('in pieces')
  })

  test('takes a body of the limit, and refuses one byte more before it signs', async () => {
    const channel = server.channel()
    const largest = new Uint8Array(SIGNED_BODY_MAX_BYTES).fill(0x61)
    await channel.signedFetch('/', { method: 'POST', body: largest }, sign)
    expect(ran[0]?.body.length).toBe(SIGNED_BODY_MAX_BYTES)
    const over = new Uint8Array(SIGNED_BODY_MAX_BYTES + 1)
    expect(await codeOf(channel.signedFetch('/', { method: 'POST', body: over }, sign))).toBe(
      'WIRE_TOO_LARGE',
    )
    const stream = byteStream([largest, Uint8Array.of(1)])
    const init = { method: 'POST', body: stream, duplex: 'half' } as RequestInit
    expect(await codeOf(channel.signedFetch('/', init, sign))).toBe('WIRE_TOO_LARGE')
    expect(asked).toHaveLength(1)
    expect(server.posts).toBe(1)
  })

  test('sends nothing if signing fails, and gives the reason as it is', async () => {
    const reason = new Error('no key')
    const failing = server.channel().signedFetch('/', {}, () => {
      throw reason
    })
    await expect(failing).rejects.toBe(reason)
    expect(server.posts).toBe(0)
  })

  test("lets the signature's fields replace those of the app, and not the channel's", async () => {
    const channel = server.channel()
    await channel.signedFetch('/', { headers: { bound: 'a lie' } }, sign)
    expect(ran[0]?.bound).toBe(ran[0]?.own)
    const own = channel.signedFetch('/', {}, () => [['x-keyhaven-request-id', 'mine']])
    expect(await codeOf(own)).toBe('TypeError')
    const broken = channel.signedFetch('/', {}, () => [['signature', 'a\r\nb']])
    expect(await codeOf(broken)).toBe('TypeError')
  })

  test('a change of the body by the signer does not reach the server', async () => {
    await server.channel().signedFetch('/', { method: 'POST', body: 'as signed' }, (request) => {
      request.body.fill(0)
      return []
    })
    expect(ran[0]?.body).toBe('as signed')
  })

  test('follows no redirect: the signature is for one address', async () => {
    server.handler = () => new Response(null, { status: 307, headers: { location: '/v1/other' } })
    const channel = server.channel()
    expect(await codeOf(channel.signedFetch('/', { method: 'POST', body: 'x' }, sign))).toBe('TypeError')
    const manual = await channel.signedFetch('/', { redirect: 'manual' }, sign)
    expect(manual.status).toBe(307)
    expect(server.runs).toHaveLength(2)
  })

  test('is refused on a closed channel', async () => {
    const channel = server.channel()
    channel.close()
    expect(await codeOf(channel.signedFetch('/', {}, sign))).toBe('TypeError')
  })
})
