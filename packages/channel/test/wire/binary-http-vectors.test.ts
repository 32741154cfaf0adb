import { fromHex, toHex } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import {
  BhttpResponseDecoder,
  decodeRequest,
  decodeResponse,
  encodeEnd,
  encodeRequest,
  encodeRequestHead,
  encodeResponse,
} from '../../src/wire/binary-http.ts'
import { readMessage, readVectors } from '../vectors.ts'
import { encodeContentChunk } from './content-chunk.ts'

interface Vectors {
  knownLengthRequest: string
  indeterminateLengthRequest: string
  indeterminateLengthRequestPaddingBytes: number
  indeterminateLengthResponse: string
  knownLengthResponse: string
}

const vectors = readVectors<Vectors>('rfc9292.json')

/** Field lines of an HTTP/1.1 message as text. */
function fieldsOf(lines: readonly string[]): [string, string][] {
  return lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
}

describe('RFC 9292 section 5', () => {
  const [requestLine, ...requestLines] = readMessage('bhttp-request.txt').split('\r\n\r\n')[0]!.split('\r\n')
  const [method, path] = requestLine!.split(' ') as [string, string]
  const head = { method, scheme: 'https', authority: '', path, headers: fieldsOf(requestLines) }
  const nothing = new Uint8Array(0)

  test('a request of known length', () => {
    expect(decodeRequest(fromHex(vectors.knownLengthRequest))).toEqual({
      ...head,
      body: nothing,
      trailers: [],
    })
    expect(toHex(encodeRequest({ ...head, body: nothing }))).toBe(vectors.knownLengthRequest)
  })

  test('the same, truncated where the RFC allows it', () => {
    const bytes = fromHex(vectors.knownLengthRequest)
    for (const cut of [1, 2]) expect(decodeRequest(bytes.subarray(0, -cut))).toMatchObject(head)
    expect(() => decodeRequest(bytes.subarray(0, -3))).toThrow()
  })

  test('a request of indeterminate length, with padding, truncated by up to twelve bytes', () => {
    const bytes = fromHex(vectors.indeterminateLengthRequest)
    const padding = vectors.indeterminateLengthRequestPaddingBytes
    expect(toHex(encodeRequestHead(head)) + toHex(encodeEnd([], padding))).toBe(
      vectors.indeterminateLengthRequest,
    )
    for (let cut = 0; cut <= padding + 2; cut++) {
      expect(decodeRequest(bytes.subarray(0, bytes.length - cut))).toMatchObject(head)
    }
    expect(() => decodeRequest(bytes.subarray(0, bytes.length - padding - 3))).toThrow()
  })

  test('a response of indeterminate length, after two informational ones', () => {
    const messages = readMessage('bhttp-response.txt').split(/(?=HTTP\/1\.1 )/)
    const [, ...lines] = messages[2]!.split('\r\n\r\n')[0]!.split('\r\n')
    const response = decodeResponse(fromHex(vectors.indeterminateLengthResponse))
    expect(response.status).toBe(200)
    expect(response.headers).toEqual(fieldsOf(lines))
    expect(new TextDecoder().decode(response.body)).toBe(
      'Hello World! My content includes a trailing CRLF.\r\n',
    )
    const end = toHex(encodeContentChunk(response.body)) + toHex(encodeEnd())
    expect(vectors.indeterminateLengthResponse.endsWith(end)).toBe(true)
  })

  test('the same byte by byte', () => {
    const decoder = new BhttpResponseDecoder()
    const bytes = fromHex(vectors.indeterminateLengthResponse)
    const events = [...bytes].flatMap((byte, at) =>
      decoder.push(Uint8Array.of(byte), at === bytes.length - 1),
    )
    expect(events[0]).toMatchObject({ type: 'head', head: { status: 200 } })
    expect(events.filter((event) => event.type === 'content')).toHaveLength(51)
    expect(events.at(-1)).toEqual({ type: 'end', trailers: [] })
  })

  test('a response of known length with a trailer', () => {
    const body = new TextEncoder().encode('This content contains CRLF.\r\n')
    const response = { status: 200, headers: [], body, trailers: [['trailer', 'text']] as [string, string][] }
    expect(toHex(encodeResponse(response))).toBe(vectors.knownLengthResponse)
    expect(decodeResponse(fromHex(vectors.knownLengthResponse))).toEqual(response)
  })
})
