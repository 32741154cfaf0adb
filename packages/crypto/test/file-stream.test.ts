import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ByteSource,
  encryptedFileBytes,
  type FileStreams,
  plaintextFileBytes,
  streamOf,
} from '../src/file-stream/public-api.ts'
import { nobleFileStreams } from '../src/noble/file-stream.ts'
import { nodeFileStreams } from '../src/node/file-stream.ts'
import { webFileStreams } from '../src/web/file-stream.ts'
import { collect, join, pieces } from './vector-suite/file-stream-cases.ts'

const BACKENDS: Readonly<Record<string, FileStreams>> = {
  node: nodeFileStreams,
  webcrypto: webFileStreams,
  noble: nobleFileStreams,
}
const CHUNK = 16_384
const SEALED_CHUNK = CHUNK + 16
const HEADER = 56
const key = new Uint8Array(32).fill(7)
const utf8 = (text: string) => new TextEncoder().encode(text)
const refused = expect.objectContaining({ code: 'OPEN_FAILED' })

function content(bytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + (at >> 8) * 17) & 0xff)
}

function readFrom(sealed: Uint8Array, asked: [number, number][] = []) {
  return (start: number, end: number): ByteSource => {
    asked.push([start, end])
    return pieces(sealed.subarray(start, end), 5_000)
  }
}

describe.each(Object.entries(BACKENDS))('a file on %s', (_, files) => {
  const sealed = (plain: Uint8Array, context?: Uint8Array) =>
    collect(files.encryptFile([plain], { key, ...(context && { context }) }))
  const opened = (bytes: Uint8Array, context?: Uint8Array) =>
    collect(files.decryptFile(pieces(bytes, 7_001), { key, ...(context && { context }) }))

  test('is what it was, whatever the sizes of file and pieces', async () => {
    const sizes = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 65 * CHUNK + 3]
    for (const size of sizes) {
      const plain = content(size)
      for (const length of [333_333, 16_384, 1_000]) {
        const bytes = await collect(files.encryptFile(pieces(plain, length), { key }))
        expect(bytes.length).toBe(encryptedFileBytes(size))
        expect(plaintextFileBytes(bytes.length)).toBe(size)
        expect(Buffer.compare(await opened(bytes), plain)).toBe(0)
      }
    }
  })

  test('comes from a Blob, a stream or an iterable, and goes into a stream', async () => {
    const plain = content(40_000)
    async function* slow() {
      yield* pieces(plain, 9_999)
    }
    for (const source of [new Blob([plain]), new Blob([plain]).stream(), slow(), pieces(plain, 50_000)]) {
      const stream = streamOf(files.encryptFile(source, { key }))
      const back = streamOf(files.decryptFile(stream, { key }))
      expect(Buffer.compare(new Uint8Array(await new Response(back).arrayBuffer()), plain)).toBe(0)
    }
  })

  test('opens under its key and context only', async () => {
    const bytes = await sealed(content(100), utf8('a'))
    expect(await opened(bytes, utf8('a'))).toEqual(content(100))
    await expect(opened(bytes, utf8('b'))).rejects.toEqual(refused)
    await expect(opened(bytes)).rejects.toEqual(refused)
    const other = new Uint8Array(32).fill(8)
    await expect(collect(files.decryptFile([bytes], { key: other, context: utf8('a') }))).rejects.toEqual(
      refused,
    )
    await expect(collect(files.encryptFile([], { key: other.subarray(1) }))).rejects.toThrow(TypeError)
  })

  test('twice is two different files, unless the salt is given', async () => {
    const [first, second] = [await sealed(content(10)), await sealed(content(10))]
    expect(first).not.toEqual(second)
    const again = await collect(files.encryptFile([content(10)], { key, salt: first.subarray(0, 24) }))
    expect(again).toEqual(first)
  })

  test('cut anywhere, longer, with chunks missing, twice or in another order is refused', async () => {
    const bytes = await sealed(content(2 * CHUNK + 100))
    const [a, b] = [HEADER + SEALED_CHUNK, HEADER + 2 * SEALED_CHUNK]
    const [header, first, second, last] = [
      bytes.subarray(0, HEADER),
      bytes.subarray(HEADER, a),
      bytes.subarray(a, b),
      bytes.subarray(b),
    ]
    for (const length of [0, 1, 24, 55, 56, 57, 72, a - 16, a - 1, a, a + 16, b - 1, b, b + 15, b + 16, -1]) {
      await expect(opened(bytes.subarray(0, length)), `cut at ${length}`).rejects.toEqual(refused)
    }
    const damaged = {
      longer: [header, first, second, last, new Uint8Array(1)],
      'a chunk more': [header, first, second, last, last],
      reordered: [header, second, first, last],
      duplicated: [header, first, first, last],
      'first missing': [header, second, last],
      'middle missing': [header, first, last],
      'another file’s end': [header, first, second, (await sealed(content(100))).subarray(HEADER)],
    }
    for (const [what, parts] of Object.entries(damaged)) {
      await expect(opened(join(parts)), what).rejects.toEqual(refused)
    }
  })

  test('gives nothing of a chunk before it is authenticated', async () => {
    const plain = content(3 * CHUNK + 5)
    const bytes = await sealed(plain)
    bytes[HEADER + SEALED_CHUNK + 10]! ^= 1
    let released = 0
    const reading = async () => {
      for await (const piece of files.decryptFile(pieces(bytes, SEALED_CHUNK), { key })) {
        expect(Buffer.compare(piece, plain.subarray(released, released + piece.length))).toBe(0)
        released += piece.length
      }
    }
    await expect(reading()).rejects.toEqual(refused)
    expect(released).toBeLessThanOrEqual(CHUNK)
  })

  test('is read here and there: only the chunks of the range are asked for', async () => {
    const plain = content(3 * CHUNK + 1_000)
    const bytes = await sealed(plain)
    const asked: [number, number][] = []
    const file = await files.openFile({ key, bytes: bytes.length, read: readFrom(bytes, asked) })
    expect(asked).toEqual([
      [0, HEADER],
      [HEADER + 3 * SEALED_CHUNK, bytes.length],
    ])
    expect(file.size).toBe(plain.length)
    for (const [start, end] of [
      [0, 1],
      [CHUNK - 1, CHUNK + 1],
      [CHUNK, 2 * CHUNK],
      [2 * CHUNK + 7, 3 * CHUNK + 1_000],
      [3 * CHUNK + 999, 9 * CHUNK],
      [0, plain.length],
    ] as const) {
      const read = await collect(file.read(start, end))
      expect(Buffer.compare(read, plain.subarray(start, end)), `${start} to ${end}`).toBe(0)
    }
    asked.length = 0
    await collect(file.read(CHUNK, CHUNK + 1))
    expect(asked).toEqual([[HEADER + SEALED_CHUNK, HEADER + 2 * SEALED_CHUNK]])
    expect(await collect(file.read(plain.length, plain.length + 9))).toEqual(new Uint8Array(0))
    for (const [start, end] of [
      [-1, 3],
      [2, 1],
      [0.5, 3],
    ] as const) {
      await expect(collect(file.read(start, end))).rejects.toThrow(TypeError)
    }
  })

  test('read by ranges from a store that lies is refused', async () => {
    const bytes = await sealed(content(2 * CHUNK))
    const open = (claimed: number, read: (start: number, end: number) => ByteSource) =>
      files.openFile({ key, bytes: claimed, read })
    const read = readFrom(bytes)
    await expect(open(bytes.length - SEALED_CHUNK, read)).rejects.toEqual(refused)
    await expect(open(bytes.length - 16, read)).rejects.toEqual(refused)
    await expect(open(10, read)).rejects.toEqual(refused)
    const file = await open(bytes.length, read)
    const lies = [
      (start: number, end: number) => [bytes.subarray(start, end - 1)],
      (start: number, end: number) => [bytes.subarray(start, end), new Uint8Array(1)],
      (_: number, end: number) => [bytes.subarray(HEADER, end)],
      () => [],
    ]
    for (const lie of lies) {
      let honest = true
      const lying = await open(bytes.length, (start, end) =>
        honest ? [bytes.subarray(start, end)] : lie(start, end),
      )
      honest = false
      await expect(collect(lying.read(CHUNK, CHUNK + 5))).rejects.toEqual(refused)
    }
    expect(await collect(file.read(CHUNK, CHUNK + 5))).toEqual(content(2 * CHUNK).subarray(CHUNK, CHUNK + 5))
  })

  test('stops its source when nobody reads on', async () => {
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(content(CHUNK)),
      cancel: () => {
        cancelled = true
      },
    })
    const reader = streamOf(files.encryptFile(endless, { key })).getReader()
    await reader.read()
    await reader.read()
    await reader.cancel()
    expect(cancelled).toBe(true)
  })

  test('hashes piece by piece, and between', async () => {
    const hash = files.createSha256()
    hash.update(utf8('a'))
    expect(Buffer.from(hash.digest()).toString('hex').slice(0, 16)).toBe('ca978112ca1bbdca')
    hash.update(utf8('bc'))
    expect(Buffer.from(hash.digest()).toString('hex').slice(0, 16)).toBe('ba7816bf8f01cfea')
  })
})

test('memory that is used again gives the same files', async () => {
  const plain = content(70 * CHUNK + 9)
  const parts: Uint8Array[] = []
  for await (const part of nodeFileStreams.encryptFile([plain], { key, reuseMemory: true })) {
    parts.push(part.slice())
  }
  const opened: Uint8Array[] = []
  for await (const part of nodeFileStreams.decryptFile([join(parts)], { key, reuseMemory: true })) {
    opened.push(part.slice())
  }
  expect(Buffer.compare(join(opened), plain)).toBe(0)
})

test('sizes that no encrypted file has', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 52 - 1 }), (size) => {
      expect(plaintextFileBytes(encryptedFileBytes(size))).toBe(size)
    }),
  )
  for (const size of [
    0,
    55,
    56,
    71,
    HEADER + SEALED_CHUNK,
    HEADER + SEALED_CHUNK + 15,
    -1,
    0.5,
    Number.NaN,
  ]) {
    expect(() => plaintextFileBytes(size), `${size}`).toThrow(refused)
  }
  for (const size of [-1, 0.5, 2 ** 52]) expect(() => encryptedFileBytes(size), `${size}`).toThrow(TypeError)
})
