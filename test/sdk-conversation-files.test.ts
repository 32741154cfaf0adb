import { createHash, randomBytes } from 'node:crypto'
import type { FileContent, FileProgress, Me, UploadState } from '@keyhaven/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from './kit/code-of.ts'
import { ENGINES } from './kit/engines.ts'
import { createPeople } from './kit/sdk-people.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'

const MEBIBYTE = 1_024 * 1_024
const MARKER = 'MARKER-of-a-file-of-two'
const bytes = new Uint8Array(randomBytes(20 * MEBIBYTE + 77))
const NAME = { name: `${MARKER}.tiff`, type: 'image/tiff' }

describe.each(ENGINES)('files of conversations with the SDK and a server on $name', (engine) => {
  let server: SdkServer
  const people = createPeople(() => server)
  const { person } = people

  beforeAll(async () => {
    server = await startSdkServer(engine, { KEYHAVEN_FILES_QUOTA: '1' })
  })

  afterAll(async () => {
    await people.close()
    await server?.dispose()
  })

  async function two() {
    const [anna, ben] = [await person('anna'), await person('ben')]
    const chat = await anna.conversations.create({ members: { [ben.username]: 'member' } })
    return { anna, ben, chat }
  }

  async function whole(me: Me, id: string, file: FileContent) {
    const { metadata, stream } = await (await me.conversations.open(id)).files.download(file)
    const hash = createHash('sha256')
    for await (const piece of stream) hash.update(piece)
    return { metadata, digest: hash.digest('hex') }
  }

  test('one uploads and sends, the other downloads, whole and in part; members see who did', async () => {
    const { ben, chat } = await two()
    const seen: FileProgress[] = []
    const onProgress = (progress: FileProgress) => seen.push(progress)
    const content = await chat.files.upload(new Blob([bytes]), { ...NAME, onProgress })
    expect(seen.map(({ done }) => done)).toEqual([8 * MEBIBYTE, 16 * MEBIBYTE, content.stored])
    const { keyId, packet } = await chat.encrypt(content)
    const { file, kind } = await ben.conversations.decrypt(keyId, packet)
    expect({ kind, file }).toEqual({ kind: 'file', file: content })
    expect(await whole(ben, chat.id, file!)).toEqual({
      metadata: { ...NAME, size: bytes.length },
      digest: createHash('sha256').update(bytes).digest('hex'),
    })
    const range = { start: 9 * MEBIBYTE, end: 9 * MEBIBYTE + 10 }
    const part = await (await ben.conversations.open(chat.id)).files.download(file!, { range })
    expect(new Uint8Array(await new Response(part.stream as ReadableStream).arrayBuffer())).toEqual(
      bytes.slice(range.start, range.end),
    )
    const receipts = []
    for await (const { kind, to } of chat.receipts()) if (kind === 'file') receipts.push(to)
    expect(receipts).toEqual([{ username: ben.username, device: ben.device }])
    expect(server.log()).not.toContain(MARKER)
  })

  test('an upload is paused, goes on, and goes on in another process', async () => {
    const { ben, chat } = await two()
    const source = new Blob([bytes])
    let kept: UploadState | undefined
    const pause = new AbortController()
    const upload = chat.files.createUpload(source, {
      ...NAME,
      onState: (state) => {
        kept = structuredClone(state)
      },
      onProgress: ({ done }) => {
        if (done === 8 * MEBIBYTE) pause.abort(new Error('paused'))
      },
    })
    await expect(upload.run(pause.signal)).rejects.toThrow('paused')
    await server.restart()
    const done: number[] = []
    const resumed = chat.files.createUpload(source, {
      ...NAME,
      resume: kept!,
      onProgress: (progress) => done.push(progress.done),
    })
    const content = await resumed.run()
    expect(done.at(-1)).toBe(content.stored)
    expect((await whole(ben, chat.id, content)).metadata.name).toBe(NAME.name)
  })

  test('an upload does not go on with another source', async () => {
    const { chat } = await two()
    let kept: UploadState | undefined
    const pause = new AbortController()
    const onState = (state: UploadState) => {
      if (kept) pause.abort(new Error('paused'))
      kept ??= structuredClone(state)
    }
    const upload = chat.files.createUpload(new Blob([bytes]), { ...NAME, onState })
    await expect(upload.run(pause.signal)).rejects.toThrow('paused')
    const other = new Blob([randomBytes(bytes.length)])
    expect(await codeOf(chat.files.upload(other, { ...NAME, resume: kept! }))).toBe('INPUT_INVALID')
  })

  test('files for which the conversation has no room are refused with what to do, before a byte is read', async () => {
    const { chat } = await two()
    const source = new ReadableStream<Uint8Array>(
      { pull: () => Promise.reject(new Error('it was read')) },
      { highWaterMark: 0 },
    )
    const upload = chat.files.upload(source, { ...NAME, size: 1_024 * MEBIBYTE })
    await expect(upload).rejects.toMatchObject({
      code: 'WIRE_TOO_LARGE',
      reason: 'quota',
      message:
        'the files of this conversation have no room for it: delete some, or ask the operator for a larger quota',
    })
  })

  test('who is removed, or was never in, gets no file, and uploads none', async () => {
    const { ben, chat } = await two()
    const carl = await person('carl')
    const theirs = await ben.conversations.open(chat.id)
    const content = await chat.files.upload(new Blob([MARKER]), NAME)
    await chat.remove(ben.username)
    const after = await chat.files.upload(new Blob([MARKER]), NAME)
    const own = await carl.conversations.create({ members: {} })
    expect(await codeOf(own.files.download(after))).toBe('NOT_FOUND')
    expect(await codeOf(theirs.files.upload(new Blob(['x']), NAME))).toBe('ACCESS_DENIED')
    await expect(theirs.files.download(after)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      reason: 'removed',
      message: 'this was made after you had been removed: ask an owner or admin of the conversation',
    })
    expect((await whole(ben, chat.id, content)).metadata.size).toBe(MARKER.length)
    const elsewhere = { ...content, url: content.url.replace('127.0.0.1', 'evil.example') }
    expect(await codeOf(chat.files.download(elsewhere))).toBe('INPUT_INVALID')
  })
})
