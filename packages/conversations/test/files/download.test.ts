import { createHash, randomBytes } from 'node:crypto'
import { KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { encryptFile } from '@keyhaven/crypto/file-stream'
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeFileHeader } from '../../src/files/file-header.ts'
import { fileContext } from '../../src/files/sealed-pieces.ts'
import {
  createConversationFiles,
  type FileContent,
  type FileDownload,
  type FileProgress,
} from '../../src/index.ts'
import { CONVERSATION, type ScriptedServer, SERVER, scriptedServer } from './scripted-server.ts'

const SIZE = 1_000_003
const damaged = expect.objectContaining({ code: 'FILE_DAMAGED' })
const invalid = expect.objectContaining({ code: 'INPUT_INVALID' })
const plain = new Uint8Array(randomBytes(SIZE))
const thumbnail = randomBytes(60_000)

let server: ScriptedServer
let files: ReturnType<typeof createConversationFiles>
let file: FileContent
let stored: { bytes: Buffer }

beforeEach(async () => {
  server = scriptedServer()
  files = createConversationFiles(server.port)
  file = await files.upload(new Blob([plain]), { name: 'Bild.jpg', type: 'image/jpeg', thumbnail })
  stored = [...server.files.values()][0]!
  server.calls.length = 0
})

const bytesOf = async (download: FileDownload) =>
  Buffer.from(await new Response(download.stream).arrayBuffer())

describe('a download', () => {
  test('gives name, type and thumbnail first, then the bytes', async () => {
    const done: number[] = []
    const download = await files.download(file, { onProgress: (to) => done.push(to.done) })
    expect(download.metadata).toMatchObject({ name: 'Bild.jpg', type: 'image/jpeg', size: SIZE })
    expect(Buffer.compare(download.metadata.thumbnail!, thumbnail)).toBe(0)
    expect(done.at(-1)).toBeLessThan(file.stored)
    expect((await bytesOf(download)).equals(plain)).toBe(true)
    expect(done.at(-1)).toBe(file.stored)
    expect(server.calls.map(({ method, headers }) => [method, headers])).toEqual([['GET', {}]])
    const blob = await (await files.download(file)).blob()
    expect([blob.type, blob.size]).toEqual(['image/jpeg', SIZE])
  })

  test('a page that somebody sends is no page of the app: its Blob is a file to save', async () => {
    const script = '<script>parent.stolen = true</script>'
    for (const type of ['text/html', 'image/svg+xml', 'application/pdf']) {
      const sent = await files.upload(new Blob([script]), { name: 'x', type })
      const download = await files.download(sent)
      expect(download.metadata.type).toBe(type)
      const blob = await download.blob()
      expect([blob.type, await blob.text()]).toEqual(['application/octet-stream', script])
    }
  })

  test('gives name, type and thumbnail alone, with a part of the file', async () => {
    const metadata = await files.metadata(file)
    expect(metadata.size).toBe(SIZE)
    expect(Buffer.compare(metadata.thumbnail!, thumbnail)).toBe(0)
    const ranges = server.calls.map(({ headers }) => headers.range)
    expect(ranges.every((range) => range !== undefined && Number(range.split('-')[1]) < 120_000)).toBe(true)
  })

  test.each([
    [0, 1],
    [0, SIZE],
    [SIZE - 1, SIZE],
    [100, 100],
    [16_384, 32_768],
    [500_000, 500_100],
    [SIZE - 5, SIZE + 500],
    [SIZE + 1, SIZE + 2],
    [400_000, undefined],
  ])('gives the bytes %i to %s', async (start, end) => {
    const range = { start, ...(end !== undefined && { end }) }
    const download = await files.download(file, { range })
    expect(download.metadata.name).toBe('Bild.jpg')
    expect((await bytesOf(download)).equals(plain.subarray(start, end))).toBe(true)
  })

  test('of a range fetches little else', async () => {
    await bytesOf(await files.download(file, { range: { start: 800_000, end: 800_010 } }))
    const fetched = server.calls.map(({ headers }) => {
      const [start, end] = headers.range!.slice('bytes='.length).split('-').map(Number)
      return end! - start! + 1
    })
    expect(fetched.reduce((sum, bytes) => sum + bytes)).toBeLessThan(150_000)
    for (const [start, end] of [
      [-1, 2],
      [2, 1],
      [0.5, 2],
    ] as const) {
      await expect(files.download(file, { range: { start, end } })).rejects.toThrow(TypeError)
    }
  })

  test('goes on where it was cut, as often as bytes come', async () => {
    server.cut = { after: 200_000, times: 4 }
    const done: number[] = []
    const download = await files.download(file, { onProgress: (to) => done.push(to.done) })
    expect((await bytesOf(download)).equals(plain)).toBe(true)
    expect(server.calls.map(({ headers }) => headers.range)).toEqual(
      [undefined, 200_000, 400_000, 600_000, 800_000].map(
        (from) => from && `bytes=${from}-${file.stored - 1}`,
      ),
    )
    expect(done.at(-1)).toBe(file.stored)
  })

  test('gives up when nothing comes any more', async () => {
    server.cut = { after: 0, times: Number.POSITIVE_INFINITY }
    const waiting: unknown[] = []
    const onProgress = (progress: FileProgress) => waiting.push(progress.waiting)
    await expect(files.download(file, { onProgress })).rejects.toEqual(
      expect.objectContaining({ code: 'GATEWAY_UNAVAILABLE' }),
    )
    expect(server.waits.length).toBe(8)
    expect(waiting).toEqual(server.waits.map((milliseconds) => ({ reason: 'no-answer', milliseconds })))
    server.calls.length = 0
    server.fault = () => {
      throw new KeyhavenError('ACCESS_DENIED', 'no')
    }
    await expect(files.download(file)).rejects.toEqual(expect.objectContaining({ code: 'ACCESS_DENIED' }))
    expect(server.calls.length).toBe(1)
  })

  test('ends with its signal, and when its stream is cancelled', async () => {
    const aborting = new AbortController()
    const download = await files.download(file, { signal: aborting.signal })
    const reader = download.stream.getReader()
    await reader.read()
    aborting.abort()
    await expect(
      (async () => {
        while (!(await reader.read()).done);
      })(),
    ).rejects.toThrow(/abort/i)
    let cancelled = false
    server.fault = (_, usual) => {
      const answer = usual()
      const source = answer.body!.getReader()
      const body = new ReadableStream(
        {
          async pull(controller) {
            controller.enqueue((await source.read()).value)
          },
          cancel: () => {
            cancelled = true
          },
        },
        { highWaterMark: 0 },
      )
      return new Response(body, { headers: answer.headers })
    }
    await (await files.download(file)).stream.cancel()
    await expect.poll(() => cancelled).toBe(true)
  })
})

describe('a download is refused before any call', () => {
  const id = 'AAAAAAAAAAAAAAAAAAAAAA'
  test.each([
    `https://evil.example/v1/files/${id}`,
    `http://keys.example/v1/files/${id}`,
    `https://keys.example:444/v1/files/${id}`,
    `https://user@keys.example/v1/files/${id}`,
    `https://keys.example.evil/v1/files/${id}`,
    `https://keys.example/v1/keys/${id}`,
    `https://keys.example/admin/v1/files/${id}`,
    `https://keys.example/v1/files/../keys/${id}`,
    `https://keys.example/v1/files/${id}/info`,
    `https://keys.example/v1/files/${id}?x=1`,
    `https://keys.example/v1/files/${id}#x`,
    `https://keys.example/v1/files/%41${id.slice(1)}`,
    `https://keys.example//v1/files/${id}`,
    `/v1/files/${id}`,
    'javascript:alert(1)',
    '',
  ])('from %s', async (url) => {
    await expect(files.download({ ...file, url })).rejects.toEqual(invalid)
    await expect(files.download({ ...file, url }, { range: { start: 0 } })).rejects.toEqual(invalid)
    await expect(files.metadata({ ...file, url })).rejects.toEqual(invalid)
    expect(server.calls).toEqual([])
  })

  test('when its description is none', async () => {
    for (const wrong of [
      { key: 'x' },
      { digest: '' },
      { size: -1 },
      { stored: 0.5 },
      { name: '/etc' },
      { more: 1 },
    ]) {
      await expect(files.download({ ...file, ...wrong } as FileContent)).rejects.toEqual(invalid)
    }
    expect(server.calls).toEqual([])
  })

  test('and its own server’s address may have a path and a slash', async () => {
    const port = { ...server.port, server: `${SERVER}/keyhaven/` }
    const content = { ...file, url: file.url.replace('/v1/', '/keyhaven/v1/') }
    const download = await createConversationFiles(port).download(content)
    expect((await bytesOf(download)).equals(plain)).toBe(true)
  })
})

describe('a stored file that is another is FILE_DAMAGED', () => {
  const read = async (content = file) => bytesOf(await files.download(content))
  const readRange = async () =>
    bytesOf(await files.download(file, { range: { start: 700_000, end: 700_001 } }))

  test('wherever a bit of it is wrong, and nothing wrong comes out', async () => {
    const good = stored.bytes
    for (const at of [0, 30, 60, 200, 90_000, 500_000, good.length - 20_000, good.length - 1]) {
      stored.bytes = Buffer.from(good)
      stored.bytes[at]! ^= 1
      let released = Buffer.alloc(0)
      const reading = async () => {
        const { stream } = await files.download(file)
        for await (const piece of stream) released = Buffer.concat([released, piece])
      }
      await expect(reading(), `bit at ${at}`).rejects.toEqual(damaged)
      expect(released.equals(plain.subarray(0, released.length))).toBe(true)
    }
  })

  test('when it is shorter, longer, or has a chunk twice', async () => {
    const good = stored.bytes
    const chunk = good.subarray(56 + 16_400, 56 + 2 * 16_400)
    for (const bytes of [
      good.subarray(0, -1),
      good.subarray(0, 56 + 16_400 * 3),
      Buffer.concat([good, Buffer.alloc(1)]),
      Buffer.concat([good.subarray(0, 56), chunk, chunk, good.subarray(56 + 2 * 16_400)]),
      Buffer.alloc(good.length),
    ]) {
      stored.bytes = bytes
      await expect(read()).rejects.toEqual(damaged)
      if (bytes.length !== good.length) await expect(readRange()).rejects.toEqual(damaged)
    }
  })

  test('when a range is not the one asked for', async () => {
    server.fault = (call, usual) => {
      if (call.headers.range === undefined) return undefined
      const answer = usual()
      return new Response(answer.body, { status: 206, headers: { 'content-range': 'bytes 0-1/2' } })
    }
    await expect(readRange()).rejects.toEqual(damaged)
    server.fault = () => new Response(stored.bytes.subarray(0, 20_000) as Uint8Array<ArrayBuffer>)
    await expect(readRange()).rejects.toEqual(damaged)
  })

  test('when key, digest, size, name or type of the message do not fit it', async () => {
    for (const wrong of [
      { key: toBase64url(new Uint8Array(32)) },
      { digest: toBase64url(new Uint8Array(32)) },
      { size: file.size - 1 },
      { stored: file.stored + 1 },
      { name: 'Bild.exe' },
      { type: 'text/html' },
    ]) {
      await expect(read({ ...file, ...wrong }), JSON.stringify(wrong)).rejects.toEqual(damaged)
    }
    const elsewhere = createConversationFiles({ ...server.port, conversation: 'BBBBBBBBBBBBBBBBBBBBBB' })
    await expect(elsewhere.download(file)).rejects.toEqual(damaged)
    await expect(elsewhere.metadata(file)).rejects.toEqual(damaged)
  })

  test('when whoever made it broke the format: padding, header, length', async () => {
    const key = new Uint8Array(32).fill(1)
    const header = encodeFileHeader({ name: 'ffff', type: 'a/b', size: 3 })
    async function sealed(...parts: Uint8Array[]): Promise<FileContent> {
      const chunks: Uint8Array[] = []
      for await (const chunk of encryptFile(parts, { key, context: fileContext(CONVERSATION) }))
        chunks.push(chunk)
      stored.bytes = Buffer.concat(chunks)
      const digest = createHash('sha256').update(stored.bytes).digest('base64url')
      const { length } = stored.bytes
      const made = { key: toBase64url(key), digest, size: 3, stored: length, name: 'ffff', type: 'a/b' }
      return { ...file, ...made }
    }
    const abc = new TextEncoder().encode('abc')
    // 44 bytes are a Padmé size, as they are without padding; the others are not what an encoder makes.
    expect(header.length + abc.length).toBe(44)
    expect((await read(await sealed(header, abc))).toString()).toBe('abc')
    await expect(read(await sealed(header, abc, new Uint8Array(1)))).rejects.toEqual(damaged)
    await expect(read(await sealed(header, abc.subarray(1)))).rejects.toEqual(damaged)
    await expect(read(await sealed(Uint8Array.of(255, 255, 255, 255), abc))).rejects.toEqual(damaged)
    await expect(read(await sealed(Uint8Array.of(0, 0), abc))).rejects.toEqual(damaged)
    const long = encodeFileHeader({ name: 'f'.repeat(6), type: 'a/b', size: 3 })
    const padded = { ...(await sealed(long, abc, new Uint8Array(2))), name: 'f'.repeat(6) }
    expect((await read(padded)).toString()).toBe('abc')
    const marked = { ...(await sealed(long, abc, Uint8Array.of(0, 1))), name: 'f'.repeat(6) }
    await expect(read(marked)).rejects.toEqual(damaged)
  })
})
