import { createHash } from 'node:crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { createConversationFiles, type FileProgress } from '../../src/index.ts'
import { CONVERSATION, type Fault, SERVER } from './scripted-server.ts'

import { backOf, code, content, inPieces, MARKER, MEBIBYTE, onPatch, PIECE, start } from './uploads.ts'

describe('an upload', () => {
  test('goes up in pieces of 8 MiB and says what a message needs', async () => {
    const run = start()
    const plain = content(19 * MEBIBYTE + 5)
    const progress: FileProgress[] = []
    const file = await run.files.upload(new Blob([plain], { type: 'image/png; x=y' }), {
      name: 'Foto.png',
      onProgress: (to) => progress.push(to),
    })
    const [id, stored] = [...run.server.files.entries()][0]!
    expect(file).toMatchObject({ url: `${SERVER}/v1/files/${id}`, name: 'Foto.png', type: 'image/png' })
    expect(file.size).toBe(plain.length)
    expect(file.stored).toBe(stored.bytes.length)
    expect(file.stored).toBe(stored.length)
    expect(file.digest).toBe(createHash('sha256').update(stored.bytes).digest('base64url'))
    const patches = run.server.calls.filter(({ method }) => method === 'PATCH').map(({ bytes }) => bytes)
    expect(patches).toEqual([PIECE, PIECE, file.stored - 2 * PIECE])
    expect(run.server.calls[0]).toMatchObject({
      method: 'POST',
      path: '/v1/files',
      headers: { 'keyhaven-conversation': CONVERSATION, 'upload-length': String(file.stored) },
    })
    expect(progress.map(({ done }) => done)).toEqual([PIECE, 2 * PIECE, file.stored])
    expect(Buffer.compare(await backOf(run, file), plain)).toBe(0)
  })

  test('never shows the server content, name, type, thumbnail or size', async () => {
    const { server, files } = start()
    const plain = content(300_001)
    const thumbnail = Buffer.from(`thumbnail of ${MARKER}`)
    const options = { name: 'Lohnliste.pdf', type: 'application/pdf', thumbnail }
    const file = await files.upload(new Blob([plain]), options)
    const all = Buffer.concat(server.seen)
    const paths = server.calls.map(({ path }) => path).join()
    for (const secret of [MARKER, 'Lohnliste', 'application/pdf', '300001', file.key, file.digest]) {
      expect(all.includes(secret), secret).toBe(false)
      expect(paths).not.toContain(secret)
    }
    expect(all.includes(Buffer.from(thumbnail.toString('base64url')))).toBe(false)
    // Sizes that are near to each other are stored as one.
    const other = await files.upload(new Blob([plain.subarray(0, 299_000)]), options)
    expect(other.stored).toBe(file.stored)
    expect(other.key).not.toBe(file.key)
  })

  test.each([0, 1, 16_384, 100_000])('of %i bytes, from a stream or an iterable', async (size) => {
    const run = start()
    const plain = content(size)
    const named = { name: 'f', size }
    const sources = [new Blob([plain]).stream(), inPieces(plain, 777), [plain]]
    for (const source of sources) {
      const file = await run.files.upload(source, named)
      expect(file.type).toBe('application/octet-stream')
      expect(Buffer.compare(await backOf(run, file), plain)).toBe(0)
    }
  })

  test('asks for the size of a stream, and for what is no file before any call', async () => {
    const { server, files } = start()
    const stream = () => new Blob([content(10)]).stream()
    await expect(files.upload(stream(), { name: 'f' })).rejects.toThrow(/^size: how many bytes/)
    await expect(files.upload(new Blob(['abc']), { name: 'f', size: 4 })).rejects.toThrow(TypeError)
    for (const wrong of [
      { name: '' },
      { name: '../f' },
      { name: 'f', type: 'no type' },
      { name: 'f', thumbnail: new Uint8Array(65_537) },
      { name: 'f', size: -1 },
    ]) {
      await expect(files.upload(stream(), { size: 10, ...wrong })).rejects.toEqual(code('INPUT_INVALID'))
    }
    expect(server.calls).toEqual([])
  })

  test.each([-1, 1])('of a stream whose size is wrong by %i is never finished', async (wrong) => {
    const { server, files } = start()
    const plain = content(9 * MEBIBYTE)
    const upload = files.upload(inPieces(plain, MEBIBYTE), { name: 'f', size: plain.length + wrong })
    await expect(upload).rejects.toEqual(code('INPUT_INVALID'))
    const [stored] = [...server.files.values()]
    expect(stored!.bytes.length).toBeLessThan(stored!.length)
  })
})

describe('an upload whose calls fail', () => {
  const plain = content(17 * MEBIBYTE)
  const cut = () => {
    throw new TypeError('fetch failed')
  }
  test.each<[string, Fault]>([
    ['a network that is cut before a piece arrives', onPatch(2, cut)],
    [
      'a network that is cut after a piece has arrived',
      onPatch(2, (_, usual) => {
        usual()
        return cut()
      }),
    ],
    [
      'an offset that another request has moved',
      onPatch(2, (_, usual) => {
        usual()
        return usual()
      }),
    ],
  ])('goes on after %s', async (_, fault) => {
    const run = start()
    run.server.fault = fault
    const file = await run.files.upload(new Blob([plain]), { name: 'f' })
    expect(run.server.waits).toEqual([500])
    expect(run.server.calls.filter(({ method }) => method === 'HEAD').length).toBe(1)
    expect(Buffer.compare(await backOf(run, file), plain)).toBe(0)
  })

  test('goes on inside a piece of which only a part has arrived', async () => {
    const run = start()
    let part: Buffer | undefined
    const { port } = run.server
    const call: typeof port.call = async (method, path, body, headers, signal) => {
      if (method === 'PATCH' && part === undefined && headers['upload-offset'] === String(PIECE)) {
        part = Buffer.from(body!.subarray(0, 1_000_003))
        const file = [...run.server.files.values()][0]!
        file.bytes = Buffer.concat([file.bytes, part])
        return cut()
      }
      return port.call(method, path, body, headers, signal)
    }
    const files = createConversationFiles({ ...port, call })
    const file = await files.upload(new Blob([plain]), { name: 'f' })
    const sizes = run.server.calls.filter(({ method }) => method === 'PATCH').map(({ bytes }) => bytes)
    expect(sizes).toEqual([PIECE, PIECE - 1_000_003, file.stored - 2 * PIECE])
    expect(Buffer.compare(await backOf(run, file), plain)).toBe(0)
  })

  test('leaves the bytes alone that a cut call may still hold', async () => {
    const run = start()
    const held: { body: Uint8Array; copy: Buffer }[] = []
    const call: typeof run.server.port.call = async (...given) => {
      const [method, , body] = given
      if (method !== 'PATCH' || held.length > 0) return run.server.port.call(...given)
      held.push({ body: body!, copy: Buffer.from(body!) })
      return cut()
    }
    const files = createConversationFiles({ ...run.server.port, call })
    await files.upload(new Blob([plain]), { name: 'f' })
    expect(held[0]!.copy.equals(held[0]!.body)).toBe(true)
  })

  test.each([
    ['STORE_UNAVAILABLE', 'store-full', 'store-full'],
    ['STORE_UNAVAILABLE', undefined, 'store-unavailable'],
    ['RATE_LIMITED', undefined, 'too-many-calls'],
    ['GATEWAY_UNAVAILABLE', undefined, 'no-answer'],
  ] as const)('says that it waits, why and how long: %s %s', async (refusal, reason, waiting) => {
    const { server, files } = start()
    let failures = 2
    server.fault = ({ method }) => {
      if (method !== 'PATCH' || failures-- <= 0) return undefined
      throw Object.assign(new KeyhavenError(refusal, 'of the server'), reason && { reason })
    }
    const seen: FileProgress[] = []
    const onProgress = (progress: FileProgress) => seen.push(progress)
    const { stored: total } = await files.upload(new Blob([content(100)]), { name: 'f', onProgress })
    expect(seen).toEqual([
      { done: 0, total, waiting: { reason: waiting, milliseconds: 500 } },
      { done: 0, total, waiting: { reason: waiting, milliseconds: 1_000 } },
      { done: total, total },
    ])
  })

  test('does not wait where there are too many begun uploads, or no room for files', async () => {
    for (const [refusal, reason] of [
      ['RATE_LIMITED', 'unfinished-uploads'],
      ['WIRE_TOO_LARGE', 'quota'],
    ] as const) {
      const { server, files } = start()
      server.fault = () => {
        throw Object.assign(new KeyhavenError(refusal, 'of the server'), { reason })
      }
      const upload = files.upload(new Blob([content(100)]), { name: 'f' })
      await expect(upload).rejects.toMatchObject({ code: refusal, reason })
      expect(server.waits).toEqual([])
    }
  })

  test('waits longer and longer, and then gives up with the state kept', async () => {
    const run = start()
    const { server, files } = run
    const upload = files.createUpload(inPieces(plain, MEBIBYTE), { name: 'f', size: plain.length })
    server.fault = ({ method }) => (method === 'PATCH' ? cut() : undefined)
    await expect(upload.run()).rejects.toEqual(code('GATEWAY_UNAVAILABLE'))
    expect(server.waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    server.fault = undefined
    expect(Buffer.compare(await backOf(run, await upload.run()), plain)).toBe(0)
  })

  test.each(['ACCESS_DENIED', 'NOT_FOUND', 'WIRE_TOO_LARGE'] as const)(
    'ends at once on %s',
    async (refusal) => {
      const { server, files } = start()
      server.fault = ({ method }) => {
        if (method === 'POST') throw new KeyhavenError(refusal, 'no')
        return undefined
      }
      await expect(files.upload(new Blob(['a']), { name: 'f' })).rejects.toEqual(code(refusal))
      expect(server.waits).toEqual([])
    },
  )

  test('says so when the server has lost it', async () => {
    const { server, files } = start()
    server.fault = onPatch(2, () => {
      server.files.clear()
      return cut()
    })
    await expect(files.upload(new Blob([plain]), { name: 'f' })).rejects.toEqual(code('UPLOAD_CONFLICT'))
  })
})
