import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalConstantTime as portableEqual } from '../src/equal-constant-time.ts'
import {
  equalConstantTime,
  fromBase64url,
  fromHex,
  fromUtf8,
  KeyhavenError,
  Reader,
  toBase64url,
  toHex,
  utf8,
  varintBytes,
  Writer,
} from '../src/node/index.ts'

const MAX_BYTES = 300

/** One field: how it is written, and how it is read back. */
type Field =
  | readonly ['u8' | 'u16' | 'u32' | 'u64' | 'varint', number]
  | readonly ['bytes' | 'bytes8' | 'bytes16' | 'bytesVarint', Uint8Array]

const field = fc.oneof(
  fc.tuple(fc.constant('u8' as const), fc.nat(0xff)),
  fc.tuple(fc.constant('u16' as const), fc.nat(0xffff)),
  fc.tuple(fc.constant('u32' as const), fc.nat(0xffff_ffff)),
  fc.tuple(fc.constantFrom('u64' as const, 'varint' as const), fc.maxSafeNat()),
  fc.tuple(fc.constant('varint' as const), fc.nat(0x1_0000)),
  fc.tuple(fc.constant('bytes8' as const), fc.uint8Array({ maxLength: 255 })),
  fc.tuple(
    fc.constantFrom('bytes' as const, 'bytes16' as const, 'bytesVarint' as const),
    fc.uint8Array({ maxLength: MAX_BYTES }),
  ),
)

function write(fields: readonly Field[]): Uint8Array {
  const writer = new Writer()
  for (const [kind, value] of fields) (writer[kind] as (value: unknown) => Writer).call(writer, value)
  return writer.done()
}

function read(reader: Reader, like: readonly Field[]): unknown[] {
  return like.map(([kind, value]) => {
    if (kind === 'bytes') return [kind, reader.bytes(value.length)]
    if (typeof value === 'number') return [kind, (reader[kind] as () => number).call(reader)]
    return [kind, (reader[kind] as (max: number) => Uint8Array).call(reader, MAX_BYTES)]
  })
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
  } catch (error) {
    return error instanceof KeyhavenError ? error.code : String(error)
  }
}

describe('Reader and Writer', () => {
  test('read what was written, at every alignment', () => {
    fc.assert(
      fc.property(fc.array(field), fc.nat(9), (fields, shift) => {
        const bytes = write(fields)
        const shifted = new Uint8Array(shift + bytes.length + 5).fill(0xee)
        shifted.set(bytes, shift)
        const reader = new Reader(shifted.subarray(shift, shift + bytes.length))
        expect(read(reader, fields)).toEqual(fields)
        expect(reader.remaining).toBe(0)
        reader.end()
      }),
    )
  })

  test('a number where the writer grows', () => {
    for (let before = 0; before < 140; before += 1) {
      const bytes = new Uint8Array(before).fill(1)
      const written = new Writer().bytes(bytes).u16(0x0203).u8(4).u32(0x05060708).u64(9).done()
      expect([...written.subarray(before)]).toEqual([2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9])
    }
  })

  test('refuse every cut', () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 4 }), (fields) => {
        const bytes = write(fields)
        for (let length = 0; length < bytes.length; length++) {
          expect(codeOf(() => read(new Reader(bytes.subarray(0, length)), fields))).toBe('WIRE_MALFORMED')
        }
      }),
      { numRuns: 30 },
    )
  })

  test('refuse trailing bytes', () => {
    const reader = new Reader(Uint8Array.of(1, 2))
    reader.u8()
    expect(codeOf(() => reader.end())).toBe('WIRE_MALFORMED')
  })

  test('any bytes give values or a KeyhavenError, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(field, { maxLength: 8 }), (bytes, fields) => {
        const code = codeOf(() => {
          const reader = new Reader(bytes)
          read(reader, fields)
          reader.end()
        })
        expect([undefined, 'WIRE_MALFORMED', 'WIRE_TOO_LARGE']).toContain(code)
      }),
    )
  })

  test('the limit is checked before the length', () => {
    expect(codeOf(() => new Reader(Uint8Array.of(5)).bytes8(4))).toBe('WIRE_TOO_LARGE')
    expect(codeOf(() => new Reader(Uint8Array.of(0xff, 0xff)).bytes16(4))).toBe('WIRE_TOO_LARGE')
    expect(codeOf(() => new Reader(Uint8Array.of(0xbf, 0xff, 0xff, 0xff)).bytesVarint(4))).toBe(
      'WIRE_TOO_LARGE',
    )
    expect(codeOf(() => new Reader(Uint8Array.of(4)).bytes8(4))).toBe('WIRE_MALFORMED')
  })

  test('64-bit numbers stop at 2^53 - 1', () => {
    expect(new Reader(fromHex('001fffffffffffff')).u64()).toBe(Number.MAX_SAFE_INTEGER)
    expect(codeOf(() => new Reader(fromHex('0020000000000000')).u64())).toBe('WIRE_MALFORMED')
    expect(new Reader(fromHex('c01fffffffffffff')).varint()).toBe(Number.MAX_SAFE_INTEGER)
    expect(codeOf(() => new Reader(fromHex('c020000000000000')).varint())).toBe('WIRE_MALFORMED')
    expect(codeOf(() => new Reader(fromHex('ffffffffffffffff')).varint())).toBe('WIRE_MALFORMED')
  })

  test('the examples of RFC 9000 §A.1', () => {
    for (const [hex, value] of [
      ['9d7f3e7d', 494_878_333],
      ['7bbd', 15_293],
      ['25', 37],
    ] as const) {
      expect(new Reader(fromHex(hex)).varint()).toBe(value)
      expect(toHex(new Writer().varint(value).done())).toBe(hex)
      expect(varintBytes(value)).toBe(hex.length / 2)
    }
    // Not the shortest form, which QUIC allows.
    expect(new Reader(fromHex('4025')).varint()).toBe(37)
  })

  test('a value that does not fit is our own fault: TypeError', () => {
    const writer = new Writer()
    expect(() => writer.u8(256)).toThrow(TypeError)
    expect(() => writer.u16(-1)).toThrow(TypeError)
    expect(() => writer.u32(1.5)).toThrow(TypeError)
    expect(() => writer.u64(2 ** 53)).toThrow(TypeError)
    expect(() => writer.varint(Number.NaN)).toThrow(TypeError)
    expect(() => writer.bytes8(new Uint8Array(256))).toThrow(TypeError)
    expect(() => writer.bytes16(new Uint8Array(65_536))).toThrow(TypeError)
    expect(() => new Reader(new Uint8Array(4)).bytes(-1)).toThrow(TypeError)
  })
})

describe('text encodings', () => {
  test('base64url and hex are Buffer’s', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64url')
        expect(toBase64url(bytes)).toBe(text)
        expect(fromBase64url(text)).toEqual(bytes)
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
        expect(fromHex(toHex(bytes))).toEqual(bytes)
      }),
    )
  })

  test('base64url of a runtime without toBase64', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const old = Object.assign(bytes, { toBase64: undefined })
        expect(toBase64url(old)).toBe(Buffer.from(bytes).toString('base64url'))
      }),
    )
  })

  test('one value has one text: any other is refused', () => {
    for (const text of ['A', 'AB=', 'AB==', 'A B', 'A+', 'A/', 'AB', 'AAB', 'ÄÄ', 'AAAAA', '\nAA']) {
      expect(
        codeOf(() => fromBase64url(text)),
        text,
      ).toBe('WIRE_MALFORMED')
    }
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        const code = codeOf(() => expect(toBase64url(fromBase64url(text))).toBe(text))
        expect([undefined, 'WIRE_MALFORMED']).toContain(code)
      }),
    )
    for (const text of ['0', '0g', '0x', ' 0', '000'])
      expect(codeOf(() => fromHex(text))).toBe('WIRE_MALFORMED')
  })

  test('UTF-8 is TextEncoder’s, short or long, ASCII or not', () => {
    const encoder = new TextEncoder()
    const text = fc.oneof(fc.string({ maxLength: 80 }), fc.string({ unit: 'binary', maxLength: 80 }))
    fc.assert(
      fc.property(text, (value) => {
        expect(utf8(value)).toEqual(encoder.encode(value))
      }),
    )
    // A lone surrogate becomes U+FFFD, as the Encoding Standard has it.
    for (const value of ['\x7f', '\x80', '\ud800', `${'a'.repeat(63)}é`, 'a'.repeat(65)]) {
      expect(utf8(value)).toEqual(encoder.encode(value))
    }
  })

  test('UTF-8 is strict', () => {
    expect(fromUtf8(utf8('ü€😀'))).toBe('ü€😀')
    expect(codeOf(() => fromUtf8(Uint8Array.of(0xff)))).toBe('WIRE_MALFORMED')
    expect(codeOf(() => fromUtf8(Uint8Array.of(0xc0, 0x80)))).toBe('WIRE_MALFORMED')
    expect(codeOf(() => fromUtf8(Uint8Array.of(0xe2, 0x82)))).toBe('WIRE_MALFORMED')
    expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa')
  })
})

test('equalConstantTime compares', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
      for (const equal of [equalConstantTime, portableEqual]) {
        expect(equal(a, b)).toBe(toHex(a) === toHex(b))
        expect(equal(a, Uint8Array.from(a))).toBe(true)
      }
    }),
  )
})
