import { KeyhavenError, padmeLength, utf8 } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import type { SealedHandler } from '../../src/gateway/index.ts'
import { BhttpResponseDecoder, encodeRequestHead } from '../../src/wire/binary-http.ts'
import { createRequestSealer } from '../../src/wire/chunked.ts'
import { joinBytes } from '../../src/wire/join-bytes.ts'
import { sealMessage } from '../../src/wire/seal-message.ts'
import {
  clearError,
  createKit,
  type Kit,
  makeRequest,
  open,
  outer,
  post,
  sealedError,
  streamOf,
  withField,
} from './gateway-kit.ts'

const MEBIBYTE = 1024 * 1024
const CHUNK_BYTES = 16_384

async function* filled(bytes: number, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; at += pieceBytes) {
    yield Uint8Array.from({ length: Math.min(pieceBytes, bytes - at) }, (_, index) => (at + index) * 31)
  }
}

/** The envelope of a streamed request, piece by piece. */
async function sealStreamed(kit: Kit, content: AsyncIterator<Uint8Array>, change = {}) {
  const sealer = await createRequestSealer(kit.backend, kit.recipient)
  const head = encodeRequestHead(makeRequest(change, kit.now))
  async function* envelope() {
    yield sealer.header
    yield* sealMessage({
      head,
      content,
      chunkBytes: CHUNK_BYTES,
      flushAtPauses: true,
      sealChunk: sealer.sealChunk,
    })
  }
  return { sealer, envelope: envelope() }
}

const streamEcho: SealedHandler = (request) => new Response(request.body)

describe('a body that streams', () => {
  test.each([0, 1, 100_000, 3 * MEBIBYTE])('of %i bytes comes and goes unchanged', async (bytes) => {
    const kit = await createKit({ handler: streamEcho })
    const { sealer, envelope } = await sealStreamed(kit, filled(bytes, 70_000))
    const answer = await open(sealer, await post(kit, streamOf(envelope)))
    expect(answer.status).toBe(200)
    expect(answer.body.length).toBe(bytes)
    const expected: Uint8Array[] = []
    for await (const piece of filled(bytes, 70_000)) expected.push(piece)
    expect(Buffer.compare(answer.body, joinBytes(expected))).toBe(0)
  })

  test('reaches the handler before its end', async () => {
    const { promise: more, resolve: sendMore } = Promise.withResolvers<void>()
    const handler: SealedHandler = async (request) => {
      const reader = request.body!.getReader()
      const first = await reader.read()
      sendMore()
      let rest = 0
      for (let read = await reader.read(); !read.done; read = await reader.read()) rest += read.value.length
      return new Response(`${first.value!.length} then ${rest}`)
    }
    const kit = await createKit({ handler })
    async function* content() {
      yield new Uint8Array(20_000)
      await more
      yield new Uint8Array(5000)
    }
    const { sealer, envelope } = await sealStreamed(kit, content())
    const answer = await open(sealer, await post(kit, streamOf(envelope)))
    expect(new TextDecoder().decode(answer.body)).toMatch(/^\d+ then \d+$/)
  })

  test.each(['cut', 'broken off', 'altered'])(
    '%s: the handler fails, nothing is committed, the answer is the opaque one',
    async (how) => {
      let committed = false
      let failure: unknown
      const kit = await createKit({
        async handler(request) {
          try {
            for await (const _ of request.body!) {
            }
            committed = true
          } catch (error) {
            failure = error
            throw error
          }
          return new Response('stored')
        },
      })
      const { envelope } = await sealStreamed(kit, filled(100_000, 10_000))
      const pieces: Uint8Array[] = []
      for await (const piece of envelope) pieces.push(piece)
      if (how === 'altered') pieces.at(-2)![100]! ^= 1
      else pieces.pop()
      async function* sent() {
        yield* pieces
        if (how === 'broken off') throw new Error('ECONNRESET')
      }
      const answer = await post(kit, streamOf(sent()))
      expect(answer).toEqual(await post(kit, new Uint8Array(0)))
      expect([answer.status, clearError(answer)]).toEqual([400, 'OPEN_FAILED'])
      expect(committed).toBe(false)
      expect(failure).toBeInstanceOf(KeyhavenError)
      expect(failure).toMatchObject({ code: 'OPEN_FAILED' })
    },
  )

  test('a cut body cannot be hidden by a handler that swallows the failure', async () => {
    const kit = await createKit({
      handler: async (request) => new Response(await request.text().catch(() => 'fine')),
    })
    const { envelope } = await sealStreamed(kit, filled(100_000, 10_000))
    const pieces: Uint8Array[] = []
    for await (const piece of envelope) pieces.push(piece)
    expect(clearError(await post(kit, joinBytes(pieces.slice(0, -1))))).toBe('OPEN_FAILED')
  })

  test('longer or shorter than its content-length', async () => {
    for (const length of ['99999', '100001']) {
      const kit = await createKit({ handler: streamEcho })
      const { sealer, envelope } = await sealStreamed(
        kit,
        filled(100_000, 10_000),
        withField('content-length', length),
      )
      const answer = await post(kit, streamOf(envelope)).catch((error: unknown) => error)
      if (answer instanceof Error) continue
      await expect(open(sealer, answer as Awaited<ReturnType<typeof post>>)).rejects.toThrow()
    }
  })

  test('of GET: it runs only after the authenticated end, and content is refused', async () => {
    const kit = await createKit()
    for (const [bytes, code] of [
      [0, undefined],
      [40_000, 'WIRE_MALFORMED'],
    ] as const) {
      const { sealer, envelope } = await sealStreamed(kit, filled(bytes, 10_000), { method: 'GET' })
      const answer = await open(sealer, await post(kit, streamOf(envelope)))
      expect(sealedError(answer)).toBe(code)
    }
    expect(kit.seen).toHaveLength(1)
  })

  test('that nobody reads is given up', async () => {
    let cancelled = false
    const kit = await createKit({
      async handler(request) {
        await request.body!.cancel()
        return new Response('enough')
      },
    })
    const { sealer, envelope } = await sealStreamed(kit, filled(10 * MEBIBYTE, 60_000))
    const stream = streamOf(envelope)
    const watched = new ReadableStream<Uint8Array>({
      async start(controller) {
        const reader = stream.getReader()
        for (let count = 0; count < 5; count++) controller.enqueue((await reader.read()).value as Uint8Array)
      },
      cancel() {
        cancelled = true
      },
    })
    const answer = await open(sealer, await post(kit, watched))
    expect(new TextDecoder().decode(answer.body)).toBe('enough')
    expect(cancelled).toBe(true)
  })
})

describe('an answer that streams', () => {
  test('shows the wire full chunks and a Padmé size, not the pieces of the handler', async () => {
    const sizes: number[] = []
    for (const [bytes, pieceBytes] of [
      [200_000, 1000],
      [200_000, 33_333],
      [200_300, 70_000],
    ] as const) {
      const kit = await createKit({
        handler: () => new Response(streamOf(filled(bytes, pieceBytes))),
      })
      const { sealer, envelope } = await sealStreamed(kit, filled(0, 1))
      const sealed = await post(kit, streamOf(envelope))
      sizes.push(sealed.body.length)
      expect((await open(sealer, sealed)).body.length).toBe(bytes)
    }
    expect(new Set(sizes).size).toBe(1)
  })

  test('goes to a client that is not ours in chunks of at most 16 KiB', async () => {
    const kit = await createKit({ handler: () => new Response(new Uint8Array(100_000)) })
    const { sealer, envelope } = await sealStreamed(
      kit,
      filled(0, 1),
      withField('x-keyhaven-client', undefined),
    )
    const opener = sealer.responseOpener()
    const sealed = await post(kit, streamOf(envelope))
    for (const chunk of [...(await opener.push(sealed.body)), await opener.end()]) {
      expect(chunk.length).toBeLessThanOrEqual(16_384)
    }
  })

  test('comes before its end: each event of a slow stream arrives', async () => {
    let next: (() => void) | undefined
    async function* events() {
      for (const name of ['one', 'two', 'three']) {
        yield utf8(`event: ${name}\n\n`)
        await new Promise<void>((resolve) => {
          next = resolve
        })
      }
    }
    const handler = () =>
      new Response(streamOf(events()), { headers: { 'content-type': 'text/event-stream' } })
    const kit = await createKit({ handler })
    const { sealer, envelope } = await sealStreamed(kit, filled(0, 1))
    const body: Uint8Array[] = []
    for await (const piece of envelope) body.push(piece)
    const response = await kit.gateway(
      new Request('https://gateway.example/', {
        method: 'POST',
        headers: { 'content-type': 'message/ohttp-chunked-req' },
        body: joinBytes(body) as BodyInit,
      }),
    )
    const opener = sealer.responseOpener()
    const decoder = new BhttpResponseDecoder()
    const seen: string[] = []
    for await (const bytes of response.body!) {
      for (const chunk of await opener.push(bytes)) {
        for (const event of decoder.push(chunk, false)) {
          if (event.type === 'content') seen.push(new TextDecoder().decode(event.bytes))
          if (event.type === 'content') next!()
        }
      }
    }
    decoder.push(await opener.end(), true)
    expect(seen).toEqual(['event: one\n\n', 'event: two\n\n', 'event: three\n\n'])
  })

  test('that fails on its way has no final chunk', async () => {
    async function* failing() {
      for (let count = 0; count < 3; count++) yield new Uint8Array(100_000)
      throw new Error('disk')
    }
    const kit = await createKit({ handler: () => new Response(streamOf(failing())) })
    const { envelope } = await sealStreamed(kit, filled(0, 1))
    const body: Uint8Array[] = []
    for await (const piece of envelope) body.push(piece)
    const request = new Request('https://gateway.example/', {
      method: 'POST',
      headers: { 'content-type': 'message/ohttp-chunked-req' },
      body: joinBytes(body) as BodyInit,
    })
    await expect(kit.gateway(request).then(outer)).rejects.toThrow()
  })

  test('of up to 64 KiB known at once is one chunk, padded', async () => {
    for (const bytes of [0, 1, 1000, 65_536]) {
      const kit = await createKit({ handler: () => new Response(new Uint8Array(bytes)) })
      const { sealer, envelope } = await sealStreamed(kit, filled(0, 1))
      const sealed = await post(kit, streamOf(envelope))
      // Response nonce, the zero before the final chunk, tag.
      const plaintextBytes = sealed.body.length - 32 - 1 - 16
      expect(padmeLength(plaintextBytes)).toBe(plaintextBytes)
      const answer = await open(sealer, sealed)
      expect([answer.chunks, answer.body.length]).toEqual([1, bytes])
    }
  })
})
