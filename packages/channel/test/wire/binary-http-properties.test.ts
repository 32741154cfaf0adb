import { padmeLength } from '@keyhaven/crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type BhttpEvent,
  type BhttpField,
  type BhttpRequest,
  BhttpRequestDecoder,
  type BhttpRequestHead,
  decodeRequest,
  decodeResponse,
  encodeEnd,
  encodeRequest,
  encodeRequestHead,
  encodeResponse,
} from '../../src/wire/binary-http.ts'
import { joinBytes } from '../../src/wire/join-bytes.ts'
import { encodeContentChunk } from './content-chunk.ts'

const fields = fc.array(
  fc.tuple(
    fc.stringMatching(/^x-[a-z0-9-]{1,20}$/).filter((name) => !name.startsWith('x-keyhaven-')),
    fc.stringMatching(/^(?:[!-~]([ -~\xa0-\xff]{0,40}[!-~])?)?$/),
  ),
  { maxLength: 8 },
) as fc.Arbitrary<BhttpField[]>
const body = fc.uint8Array({ maxLength: 2000 })

const requests: fc.Arbitrary<BhttpRequest> = fc.record({
  method: fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'),
  scheme: fc.constantFrom('http', 'https'),
  authority: fc.constantFrom('api.example', 'localhost:8787', '[::1]', '127.0.0.1:80'),
  path: fc.stringMatching(/^\/[a-z0-9/_~-]{0,30}(\?[a-z=&.]{0,20})?$/),
  headers: fields,
  body,
  trailers: fields,
})

function indeterminate(request: BhttpRequest, cuts: readonly number[]): Uint8Array {
  const pieces: Uint8Array[] = [encodeRequestHead(request)]
  let at = 0
  for (const cut of [...cuts, request.body.length]) {
    pieces.push(encodeContentChunk(request.body.subarray(at, Math.max(at, cut))))
    at = Math.max(at, cut)
  }
  return joinBytes([...pieces, encodeEnd(request.trailers)])
}

test('a request comes back as it was written, padded or not', () => {
  fc.assert(
    fc.property(requests, (request) => {
      const bytes = encodeRequest(request)
      expect(decodeRequest(bytes)).toEqual(request)
      const padded = encodeRequest(request, padmeLength)
      expect(padded.length).toBe(padmeLength(bytes.length))
      expect(decodeRequest(padded)).toEqual(request)
    }),
  )
})

test('a response comes back as it was written', () => {
  const responses = fc.record({
    status: fc.integer({ min: 200, max: 599 }),
    headers: fields,
    body,
    trailers: fields,
  })
  fc.assert(
    fc.property(responses, (response) => {
      expect(decodeResponse(encodeResponse(response))).toEqual(response)
    }),
  )
})

test('both forms, however the content is cut, say the same', () => {
  const cuts = fc.array(fc.nat(2000), { maxLength: 5 }).map((all) => all.sort((a, b) => a - b))
  fc.assert(
    fc.property(requests, cuts, (request, at) => {
      const bytes = indeterminate(
        request,
        at.filter((cut) => cut < request.body.length),
      )
      expect(decodeRequest(bytes)).toEqual(request)
    }),
  )
})

test('pieces of any size give what the whole gives', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 10 })
  fc.assert(
    fc.property(requests, fc.boolean(), sizes, (request, known, pieceBytes) => {
      const bytes = known ? encodeRequest(request) : indeterminate(request, [])
      const decoder = new BhttpRequestDecoder()
      const events: BhttpEvent<BhttpRequestHead>[] = []
      for (let at = 0, index = 0; at < bytes.length; index++) {
        const end = at + pieceBytes[index % pieceBytes.length]!
        events.push(...decoder.push(bytes.slice(at, end), end >= bytes.length))
        at = end
      }
      const [first, ...rest] = events
      const { body: content, trailers, ...head } = request
      expect(first).toEqual({ type: 'head', head })
      expect(rest.at(-1)).toEqual({ type: 'end', trailers })
      expect(joinBytes(rest.flatMap((event) => (event.type === 'content' ? [event.bytes] : [])))).toEqual(
        content,
      )
    }),
  )
})

test('any bytes are either refused or mean what their own encoding means', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(99), fc.nat(255), (noise, at, value) => {
      const bytes = encodeRequest({
        method: 'POST',
        scheme: 'https',
        authority: 'a',
        path: '/',
        headers: [['x', '1']],
        body: noise,
      })
      bytes[at % bytes.length] = value
      let decoded: BhttpRequest
      try {
        decoded = decodeRequest(bytes)
      } catch {
        return
      }
      expect(decodeRequest(encodeRequest(decoded))).toEqual(decoded)
    }),
  )
})
