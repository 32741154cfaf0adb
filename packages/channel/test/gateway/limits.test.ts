import { utf8 } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { encodeRequest } from '../../src/wire/binary-http.ts'
import { createRequestSealer } from '../../src/wire/chunked.ts'
import { sealRequest } from '../../src/wire/encapsulation.ts'
import { joinBytes } from '../../src/wire/join-bytes.ts'
import { call, clearError, createKit, makeRequest, post, sealedError, WHOLE } from './gateway-kit.ts'

const TOO_LARGE = [413, 'WIRE_TOO_LARGE']

/** A body that has no end, and counts what is taken of it. */
function endless(start: Uint8Array, pieceBytes: number) {
  const taken = { bytes: 0, cancelled: false }
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const piece = taken.bytes === 0 ? start : new Uint8Array(pieceBytes)
        taken.bytes += piece.length
        controller.enqueue(piece)
      },
      cancel() {
        taken.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, taken }
}

describe('the outer body', () => {
  test('a content-length over the limit: nothing is read', async () => {
    const kit = await createKit({ limits: { maxWholeRequestBytes: 1000, maxChunkedRequestBytes: 1000 } })
    for (const contentType of [WHOLE, 'message/ohttp-chunked-req']) {
      let read = false
      const body: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]() {
          read = true
          throw new Error('must not be read')
        },
      }
      const answer = await kit.gateway.exchange({
        applicationId: 'default',
        contentType,
        body,
        contentLength: 1001,
      })
      expect(answer.status).toBe(413)
      expect(read).toBe(false)
    }
  })

  test.each([WHOLE, 'message/ohttp-chunked-req'])(
    '%s that goes on and on is stopped at the limit',
    async (type) => {
      const kit = await createKit({
        limits: { maxWholeRequestBytes: 10_000, maxChunkedRequestBytes: 10_000 },
      })
      const sealer = await createRequestSealer(kit.backend, kit.recipient)
      const { stream, taken } = endless(joinBytes([sealer.header, Uint8Array.of(0)]), 1000)
      const answer = await post(kit, stream, type)
      expect([answer.status, clearError(answer)]).toEqual(TOO_LARGE)
      expect(taken.bytes).toBeLessThan(13_000)
      expect(taken.cancelled).toBe(true)
    },
  )

  test('an answer in one piece has a limit too', async () => {
    const handler = () => new Response(new Uint8Array(5000))
    const kit = await createKit({ handler, limits: { maxWholeResponseBytes: 4999 } })
    const sealed = await sealRequest(kit.backend, kit.recipient, encodeRequest(makeRequest()))
    const answer = await post(kit, sealed.encapsulated, WHOLE)
    const { decodeResponse } = await import('../../src/wire/binary-http.ts')
    expect(sealedError(decodeResponse(await sealed.open(answer.body)))).toBe('WIRE_TOO_LARGE')
  })
})

describe('what is inside', () => {
  test.each([
    ['path', { path: `/${'x'.repeat(9000)}` }],
    [
      'number of fields',
      { headers: [...makeRequest().headers, ...Array.from({ length: 130 }, () => ['x', '1'] as const)] },
    ],
    ['a field', { headers: [...makeRequest().headers, ['x', 'y'.repeat(17_000)] as const] }],
    [
      'all fields',
      {
        headers: [
          ...makeRequest().headers,
          ...Array.from({ length: 9 }, () => ['x', 'y'.repeat(4000)] as const),
        ],
      },
    ],
    ['the name of a field', { headers: [...makeRequest().headers, ['x'.repeat(300), '1'] as const] }],
  ])('%s over the limit', async (_name, change) => {
    const kit = await createKit()
    const answer = await call(kit, change)
    expect([answer.status, sealedError(answer)]).toEqual(TOO_LARGE)
    expect(kit.seen).toEqual([])
  })

  test('content', async () => {
    const kit = await createKit({ limits: { maxContentBytes: 100 } })
    expect((await call(kit, { body: new Uint8Array(100).fill(0x61) })).status).toBe(200)
    const answer = await call(kit, { body: utf8('x'.repeat(101)) })
    expect([answer.status, sealedError(answer)]).toEqual(TOO_LARGE)
    expect(kit.seen).toHaveLength(1)
  })
})
