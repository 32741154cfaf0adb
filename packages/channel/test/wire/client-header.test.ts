import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type ClientInfo,
  checkRequestId,
  decodeClientInfo,
  decodeRequestId,
  encodeClientInfo,
  encodeRequestId,
} from '../../src/wire/client-header.ts'
import { formatHttpDate, parseHttpDate } from '../../src/wire/http-date.ts'

const token = fc.stringMatching(/^[A-Za-z0-9._+-]{1,64}$/)

test('client information comes back as it was written', () => {
  const info = fc.record<ClientInfo>({
    installationId: token,
    appVersion: token,
    sdkVersion: token,
    trust: fc.constantFrom('manifest', 'pinned'),
  })
  fc.assert(
    fc.property(info, (value) => {
      expect(decodeClientInfo(encodeClientInfo(value))).toEqual(value)
    }),
  )
})

test.each([
  '',
  'id=a; app=1; sdk=2',
  'id=a; app=1; sdk=2; trust=other',
  'id=a;app=1;sdk=2;trust=pinned',
  'id=; app=1; sdk=2; trust=pinned',
  'id=a b; app=1; sdk=2; trust=pinned',
  `id=${'a'.repeat(65)}; app=1; sdk=2; trust=pinned`,
  'app=1; id=a; sdk=2; trust=pinned',
  'id=a; app=1; sdk=2; trust=pinned; more=1',
  'id=a; app=1; sdk=2; trust=pinned ',
])('refuses %j as client information', (text) => {
  expect(() => decodeClientInfo(text)).toThrow('x-keyhaven-client')
})

test('does not write client information that it would not read', () => {
  const info = { installationId: 'a;b', appVersion: '1', sdkVersion: '1', trust: 'pinned' } as const
  expect(() => encodeClientInfo(info)).toThrow(TypeError)
})

test('a request id is 16 bytes, in one spelling', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      expect(decodeRequestId(encodeRequestId(bytes))).toEqual(bytes)
    }),
  )
  const id = encodeRequestId(new Uint8Array(16))
  for (const other of [id.slice(1), `${id}A`, `${id}==`, `${id.slice(0, -1)}B`, id.replace('A', '+'), '']) {
    expect(() => checkRequestId(other)).toThrow('x-keyhaven-request-id')
  }
})

test('dates are read only in the form in which they are written', () => {
  const time = Date.UTC(2026, 10, 21, 0, 30, 59)
  expect(formatHttpDate(time + 999)).toBe('Sat, 21 Nov 2026 00:30:59 GMT')
  expect(parseHttpDate('Sat, 21 Nov 2026 00:30:59 GMT')).toBe(time)
  for (const text of [
    'Sun, 21 Nov 2026 00:30:59 GMT',
    'Sat, 31 Nov 2026 00:30:59 GMT',
    'Sat, 21 Nov 2026 24:30:59 GMT',
    'Sat, 21 Nov 2026 00:30:59 UTC',
    'Saturday, 21-Nov-26 00:30:59 GMT',
    '2026-11-21T00:30:59Z',
    'sat, 21 nov 2026 00:30:59 gmt',
    ' Sat, 21 Nov 2026 00:30:59 GMT',
    '',
  ]) {
    expect(parseHttpDate(text)).toBeUndefined()
  }
})
