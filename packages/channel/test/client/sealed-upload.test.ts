import { padmeLength } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { byteStream } from './byte-stream.ts'
import { createTestServer, type TestServer } from './test-server.ts'

const ENVELOPE_HEADER_BYTES = 7 + 32
const TAG_BYTES = 16

let server: TestServer
/** What left the client in the last attempt, piece by piece. */
let pieces: Uint8Array[]

beforeEach(async () => {
  server = await createTestServer()
  pieces = []
  server.attack = async (request, forward) => {
    if (request.method !== 'POST') return forward(request)
    pieces = []
    for await (const piece of request.clone().body!) pieces.push(piece)
    return forward(request)
  }
})

const sent = () => pieces.reduce((sum, { length }) => sum + length, 0)
const streamed = (...parts: Uint8Array[]) =>
  ({ method: 'POST', body: byteStream(parts), duplex: 'half' }) as RequestInit

describe('sizes on the wire', () => {
  test('a small request is one chunk of a Padmé size', async () => {
    const channel = server.channel()
    const sizes = new Set<number>()
    for (let length = 1_000; length < 1_040; length++) {
      await channel.fetch('/', { method: 'POST', body: 'x'.repeat(length) })
      const plaintext = sent() - ENVELOPE_HEADER_BYTES - 1 - TAG_BYTES
      expect(padmeLength(plaintext)).toBe(plaintext)
      sizes.add(plaintext)
    }
    expect(sizes.size).toBeLessThanOrEqual(2)
  })

  test('a Request with a small body is padded too', async () => {
    const channel = server.channel()
    const body = 'x'.repeat(1_000)
    await channel.fetch('/', { method: 'POST', body })
    const size = sent()
    const headers = { 'content-type': 'text/plain;charset=UTF-8' }
    await channel.fetch(new Request('https://server.test/', { method: 'POST', body, headers }))
    expect(sent()).toBe(size)
  })

  test('a stream shows its padded length only, not its pieces', async () => {
    const channel = server.channel()
    const sizes = new Set<number>()
    for (let length = 200_000; length < 200_020; length++) {
      await channel.fetch('/', streamed(new Uint8Array(length)))
      sizes.add(sent())
      const chunks = pieces.slice(1).map((piece) => piece.length)
      expect(new Set(chunks.slice(0, -1))).toEqual(new Set([65_536 + TAG_BYTES + 4]))
      const plaintext = (chunks.length - 1) * 65_536 + chunks.at(-1)! - TAG_BYTES - 1
      expect(padmeLength(plaintext)).toBe(plaintext)
    }
    expect(sizes.size).toBeLessThanOrEqual(2)
    // Small pieces are not to be seen: each has a length of its own inside the seal, and no chunk of its own.
    await channel.fetch('/', streamed(...Array.from({ length: 2_000 }, () => new Uint8Array(100))))
    expect(new Set(pieces.slice(1, -1).map(({ length }) => length)).size).toBe(1)
  })

  test('64 KiB still is one chunk, one byte more is several', async () => {
    const channel = server.channel()
    expect((await channel.fetch('/', { method: 'POST', body: new Uint8Array(65_536) })).status).toBe(200)
    expect(sent()).toBeLessThan(75_000)
    const response = await channel.fetch('/', { method: 'POST', body: new Uint8Array(65_537) })
    expect((await response.json()).body).toHaveLength(65_537)
  })
})

test.each([0, 1, 65_536, 65_537, 131_072, 200_001, 1_000_000])(
  '%i bytes arrive in every form',
  async (length) => {
    server.handler = async (request) => {
      const bytes = new Uint8Array(await request.arrayBuffer())
      return Response.json([bytes.length, bytes.every((byte, at) => byte === at % 251)])
    }
    const bytes = Uint8Array.from({ length }, (_, at) => at % 251)
    const split = [bytes.subarray(0, length / 3), new Uint8Array(0), bytes.subarray(length / 3)]
    const channel = server.channel()
    const forms: RequestInit[] = [
      { method: 'POST', body: bytes },
      { method: 'POST', body: new Blob([bytes]) },
      streamed(bytes),
      streamed(...split),
    ]
    for (const init of forms) {
      expect(await (await channel.fetch('/', init)).json()).toEqual([length, true])
    }
    const collecting = server.channel({ streamUploads: false })
    expect(await (await collecting.fetch('/', { method: 'POST', body: new Blob([bytes]) })).json()).toEqual([
      length,
      true,
    ])
  },
)

test('a Blob is sent again after a refusal, a changed buffer as it was', async () => {
  let posts = 0
  const buffer = new Uint8Array(100_000).fill(1)
  server.attack = async (request, forward) => {
    if (request.method !== 'POST' || posts++ % 2 === 1) return forward(request)
    buffer.fill(2)
    return new Response(null, { status: 401 })
  }
  server.handler = async (request) => {
    const bytes = new Uint8Array(await request.arrayBuffer())
    return Response.json([bytes.length, bytes[0], bytes.at(-1)])
  }
  const channel = server.channel()
  const fromBuffer = await channel.fetch('/', { method: 'POST', body: buffer })
  expect(await fromBuffer.json()).toEqual([100_000, 1, 1])
  const fromBlob = await channel.fetch('/', {
    method: 'POST',
    body: new Blob([new Uint8Array(100_000).fill(3)]),
  })
  expect(await fromBlob.json()).toEqual([100_000, 3, 3])
})
