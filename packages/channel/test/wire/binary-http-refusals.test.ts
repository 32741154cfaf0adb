import { describe, expect, test } from 'vitest'
import {
  type BhttpField,
  type BhttpRequest,
  BhttpRequestDecoder,
  decodeRequest,
  decodeResponse,
  encodeEnd,
  encodeRequest,
  encodeRequestHead,
  encodeResponse,
} from '../../src/wire/binary-http.ts'
import { codeOf } from './code-of.ts'
import { encodeContentChunk } from './content-chunk.ts'

const text = new TextEncoder()
const REQUEST: BhttpRequest = {
  method: 'POST',
  scheme: 'https',
  authority: 'api.example',
  path: '/v1/things?a=b',
  headers: [
    ['content-type', 'text/plain'],
    ['x-one', '1'],
  ],
  body: text.encode('content'),
  trailers: [['x-sum', '12']],
}
const RESPONSE = { status: 200, headers: REQUEST.headers, body: REQUEST.body, trailers: REQUEST.trailers! }

function indeterminate(request: BhttpRequest): Uint8Array {
  const parts = [encodeRequestHead(request), encodeContentChunk(request.body), encodeEnd(request.trailers)]
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

function requestCode(change: Partial<BhttpRequest>): string[] {
  const request = { ...REQUEST, ...change }
  return [
    codeOf(() => decodeRequest(encodeRequest(request))),
    codeOf(() => decodeRequest(indeterminate(request))),
  ]
}

const BOTH_MALFORMED = ['WIRE_MALFORMED', 'WIRE_MALFORMED']

/**
 * Bytes of the parts after the control data: headers, content, trailers, each with its length or terminator.
 */
const PARTS_BYTES = [33, 8, 10]

/** RFC 9292 §3.8: a message may end before a part, which then, with all after it, is empty. */
function mayEndAt(bytes: Uint8Array, length: number): boolean {
  const [headers, content, trailers] = PARTS_BYTES as [number, number, number]
  // Of indeterminate length, content has a length and a terminator.
  const contentBytes = bytes[0] === 2 ? content + 1 : content
  const left = bytes.length - length
  return left === trailers || left === contentBytes + trailers || left === headers + contentBytes + trailers
}

describe.each([
  ['a request of known length', encodeRequest(REQUEST), decodeRequest],
  ['a request of indeterminate length', indeterminate(REQUEST), decodeRequest],
  ['a response', encodeResponse(RESPONSE), decodeResponse],
])('%s', (_name, bytes, decode: (bytes: Uint8Array) => unknown) => {
  test('each cut is refused, but for those between two parts', () => {
    for (let length = 0; length < bytes.length; length++) {
      const result = codeOf(() => decode(bytes.subarray(0, length)))
      expect(result, `cut to ${length}`).toBe(mayEndAt(bytes, length) ? 'accepted' : 'WIRE_MALFORMED')
    }
  })

  test('extra bytes are padding if they are zero, and refused otherwise', () => {
    expect(decode(Uint8Array.of(...bytes, 0, 0, 0))).toEqual(decode(bytes))
    for (const byte of [1, 0x20, 0x80, 0xff]) {
      expect(codeOf(() => decode(Uint8Array.of(...bytes, byte)))).toBe('WIRE_MALFORMED')
      expect(codeOf(() => decode(Uint8Array.of(...bytes, 0, byte)))).toBe('WIRE_MALFORMED')
      expect(codeOf(() => decode(Uint8Array.of(...bytes, byte, 0)))).toBe('WIRE_MALFORMED')
    }
  })

  test('no flipped bit crashes the decoder', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Uint8Array.from(bytes)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(['accepted', 'WIRE_MALFORMED', 'WIRE_TOO_LARGE']).toContain(codeOf(() => decode(flipped)))
    }
  })
})

describe('a request that two programs could read differently', () => {
  const field = (name: string, value: string): { headers: BhttpField[] } => ({ headers: [[name, value]] })

  test.each([
    ['an empty method', { method: '' }],
    ['CONNECT', { method: 'CONNECT' }],
    ['TRACE', { method: 'TRACE' }],
    ['a method in lower case', { method: 'post' }],
    ['a method with a space', { method: 'POST /v1' }],
    ['a method with a line end', { method: 'POST\r\n' }],
    ['no scheme', { scheme: '' }],
    ['scheme ftp', { scheme: 'ftp' }],
    ['scheme javascript', { scheme: 'javascript' }],
    ['scheme in upper case', { scheme: 'HTTPS' }],
    ['no authority and no host', { authority: '' }],
    ['an authority with user information', { authority: 'user@api.example' }],
    ['an authority with a path', { authority: 'api.example/v1' }],
    ['an authority with a backslash', { authority: 'api.example\\@other' }],
    ['an authority with a space', { authority: 'api. example' }],
    ['an authority with a line end', { authority: 'api.example\r\nx: y' }],
    ['an authority with two ports', { authority: 'api.example:1:2' }],
    ['an authority with an endless port', { authority: 'api.example:123456' }],
    ['an authority with percent encoding', { authority: 'api%2eexample' }],
    ['an empty path', { path: '' }],
    ['an absolute address as path', { path: 'https://other.example/admin' }],
    ['the path of OPTIONS *', { method: 'OPTIONS', path: '*' }],
    ['a path without a slash', { path: 'v1/things' }],
    ['a path with a fragment', { path: '/v1#x' }],
    ['a path with a space', { path: '/v1 HTTP/1.1' }],
    ['a path with a line end', { path: '/v1\r\nhost: other' }],
    ['a path with NUL', { path: '/v1\0' }],
    ['a path with a byte over 0x7f', { path: '/v1/\xe4' }],
    ['dot segments', { path: '/v1/../admin' }],
    ['a dot segment at the end', { path: '/v1/..' }],
    ['a single dot segment', { path: '/v1/./x' }],
    ['encoded dot segments', { path: '/v1/%2e%2E/admin' }],
    ['half encoded dot segments', { path: '/v1/.%2e/admin' }],
    ['dot segments between encoded slashes', { path: '/v1%2f..%2Fadmin' }],
    ['a backslash', { path: '/v1\\..\\admin' }],
    ['dot segments between encoded backslashes', { path: '/v1/x%5c..%5cadmin' }],
    ['a name in upper case', field('X-One', '1')],
    ['a name with a colon', field(':path', '/admin')],
    ['a pseudo-field', field(':authority', 'other.example')],
    ['a name with a space', field('x one', '1')],
    ['a name with a control character', field('x\x01', '1')],
    ['a name with a line end', field('x\r\nhost', '1')],
    ['a name with NUL', field('x\0', '1')],
    ['a name with a byte over 0x7f', field('x\xe4', '1')],
    ['a value with CR', field('x', '1\r2')],
    ['a value with LF', field('x', '1\n2')],
    ['a value with NUL', field('x', '1\x002')],
    ['a value with another control character', field('x', '1\x7f2')],
    ['a value that begins with a blank', field('x', ' 1')],
    ['a value that ends with a tab', field('x', '1\t')],
    ['transfer-encoding', field('transfer-encoding', 'chunked')],
    ['a content-length that is too short', field('content-length', '6')],
    ['a content-length that is too long', field('content-length', '8')],
    ['a content-length that is no number', field('content-length', '7a')],
    ['a content-length with a sign', field('content-length', '+7')],
    ['a content-length list', field('content-length', '7, 7')],
    ['an empty content-length', field('content-length', '')],
    ['a host that contradicts', field('host', 'other.example')],
    ['a host that is none', field('host', 'a b')],
    ['content-length in trailers', { trailers: [['content-length', '7']] as BhttpField[] }],
    ['authorization in trailers', { trailers: [['authorization', 'x']] as BhttpField[] }],
    ['a field of ours in trailers', { trailers: [['x-keyhaven-client', 'x']] as BhttpField[] }],
    ['host in trailers', { trailers: [['host', 'x']] as BhttpField[] }],
    ['content in GET', { method: 'GET' }],
    ['content in HEAD', { method: 'HEAD' }],
  ])('%s', (_name, change: Partial<BhttpRequest>) => {
    expect(requestCode(change)).toEqual(BOTH_MALFORMED)
  })

  test('fields that are there twice and may not be', () => {
    expect(
      requestCode({
        headers: [
          ['content-length', '7'],
          ['content-length', '7'],
        ],
      }),
    ).toEqual(BOTH_MALFORMED)
    expect(
      requestCode({
        headers: [
          ['host', 'api.example'],
          ['host', 'api.example'],
        ],
      }),
    ).toEqual(BOTH_MALFORMED)
  })

  test('what is unusual but means one thing only is taken', () => {
    for (const change of [
      { authority: '', headers: [['host', 'api.example']] as BhttpField[] },
      { headers: [['host', 'API.example']] as BhttpField[] },
      { headers: [['content-length', '7']] as BhttpField[] },
      { authority: '[::1]:8787' },
      { scheme: 'http' },
      { path: '/v1/..x/.hidden?next=../..' },
      { path: '//v1' },
      field('x', ''),
      field('x', 'a b\tc\xe4'),
    ]) {
      expect(requestCode(change)).toEqual(['accepted', 'accepted'])
    }
  })
})

describe('responses', () => {
  test.each([0, 99, 600, 999, 1000])('status %i is refused', (status) => {
    const bytes = Uint8Array.of(1, 0x40 | (status >> 8), status & 0xff, 0, 0, 0)
    expect(codeOf(() => decodeResponse(bytes))).toBe('WIRE_MALFORMED')
    expect(() => encodeResponse({ ...RESPONSE, status })).toThrow(TypeError)
  })

  test('informational responses are dropped, but not without end, and the final one must come', () => {
    const informational = [0x40, 103, 0]
    const final = [0x40, 200, 0, 0, 0]
    expect(decodeResponse(Uint8Array.of(1, ...informational, ...final)).status).toBe(200)
    const many = Array.from({ length: 9 }, () => informational).flat()
    expect(codeOf(() => decodeResponse(Uint8Array.of(1, ...many, ...final)))).toBe('WIRE_TOO_LARGE')
    expect(codeOf(() => decodeResponse(Uint8Array.of(1, ...informational)))).toBe('WIRE_MALFORMED')
  })

  test('an informational response with content-length is refused', () => {
    const fields = [14, ...text.encode('content-length'), 1, 0x30]
    const bytes = Uint8Array.of(1, 0x40, 103, fields.length, ...fields, 0x40, 200, 0, 0, 0)
    expect(codeOf(() => decodeResponse(bytes))).toBe('WIRE_MALFORMED')
  })

  test('an answer to HEAD says a length that it does not have; other answers may not', () => {
    const headers: BhttpField[] = [['content-length', '7']]
    const nothing = new Uint8Array(0)
    expect(codeOf(() => decodeResponse(encodeResponse({ status: 200, headers, body: nothing })))).toBe(
      'accepted',
    )
    const body = text.encode('conten')
    expect(codeOf(() => decodeResponse(encodeResponse({ status: 200, headers, body })))).toBe(
      'WIRE_MALFORMED',
    )
  })
})

describe('limits, before memory is spent', () => {
  const limits = {
    maxFields: 2,
    maxFieldSectionBytes: 64,
    maxFieldNameBytes: 16,
    maxFieldValueBytes: 24,
    maxPathBytes: 20,
    maxContentBytes: 8,
  }

  test.each<[string, Partial<BhttpRequest>]>([
    ['number of fields', { headers: Array.from({ length: 3 }, () => ['x', '1'] as const) }],
    ['field name', { headers: [['x'.repeat(17), '1']] }],
    ['field value', { headers: [['x', '1'.repeat(25)]] }],
    [
      'field section',
      { headers: Array.from({ length: 2 }, () => ['x'.repeat(16), '1'.repeat(24)] as const) },
    ],
    ['path', { path: `/${'x'.repeat(20)}` }],
    ['content', { body: new Uint8Array(9) }],
    ['trailers', { trailers: Array.from({ length: 3 }, () => ['x', '1'] as const) }],
  ])('%s', (_name, change) => {
    const request = { ...REQUEST, ...change }
    expect(codeOf(() => decodeRequest(encodeRequest(request), limits))).toBe('WIRE_TOO_LARGE')
    expect(codeOf(() => decodeRequest(indeterminate(request), limits))).toBe('WIRE_TOO_LARGE')
    expect(codeOf(() => decodeRequest(encodeRequest(REQUEST), limits))).toBe('accepted')
  })

  test('method and authority have limits too', () => {
    expect(requestCode({ method: 'A'.repeat(33) })).toEqual(['WIRE_TOO_LARGE', 'WIRE_TOO_LARGE'])
    expect(requestCode({ authority: 'a'.repeat(263) })).toEqual(['WIRE_TOO_LARGE', 'WIRE_TOO_LARGE'])
  })

  test('a length that is announced and over the limit is refused before its bytes come', () => {
    const decoder = new BhttpRequestDecoder(limits)
    decoder.push(encodeRequestHead({ ...REQUEST, headers: [] }), false)
    expect(codeOf(() => decoder.push(Uint8Array.of(0x80, 0x10, 0, 0), false))).toBe('WIRE_TOO_LARGE')
    expect(codeOf(() => new BhttpRequestDecoder().push(Uint8Array.of(0, 0xbf, 255, 255, 255), false))).toBe(
      'WIRE_TOO_LARGE',
    )
  })

  test('a number over 2^53 is refused', () => {
    const bytes = Uint8Array.of(0, 0xff, 255, 255, 255, 255, 255, 255, 255)
    expect(codeOf(() => decodeRequest(bytes))).toBe('WIRE_MALFORMED')
  })
})

test('a streamed body over its content-length is refused at the byte that is too many', () => {
  const decoder = new BhttpRequestDecoder()
  decoder.push(encodeRequestHead({ ...REQUEST, headers: [['content-length', '3']] }), false)
  expect(decoder.push(encodeContentChunk(text.encode('ab')), false)).toHaveLength(1)
  expect(codeOf(() => decoder.push(encodeContentChunk(text.encode('cd')), false))).toBe('WIRE_MALFORMED')
})
