import { randomBytes } from 'node:crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES, type StateFixture } from '../../../../test/kit/engines.ts'
import { TEST_ENV } from '../../../../test/kit/server-process.ts'
import { callAdmin } from '../../../../test/kit/test-server.ts'
import { type DirectoryUser, enrollUser } from '../../../server/test/fixtures/directory-user.ts'
import {
  type FileServer,
  type ScriptedAccess,
  scriptedAccess,
  startFileServer,
} from '../../../server/test/fixtures/file-server.ts'
import { fileCall } from '../../../server/test/fixtures/tus-client.ts'
import { createConversationFiles, type FilesPort, type UploadState } from '../../src/index.ts'

const APP = 'app'
const CONVERSATION = randomBytes(16).toString('base64url')
const MEBIBYTE = 1_024 * 1_024
const plain = new Uint8Array(randomBytes(18 * MEBIBYTE + 77))

/** The tests of the stores run on both databases; here it is the conversation between client and server. */
describe('files through the channel of the real server', () => {
  let fixture: StateFixture
  let server: FileServer
  let access: ScriptedAccess
  const people: Record<string, DirectoryUser> = {}

  beforeAll(async () => {
    fixture = await createStateFixture(ENGINES[0]!, TEST_ENV)
    access = scriptedAccess()
    server = await startFileServer(fixture.env, access)
    await callAdmin(server.adminUrl, 'POST', '/applications', { id: APP, suite: 'x25519' })
    for (const name of ['ana', 'rita', 'stranger']) people[name] = await enrollUser(server, APP, name)
    access.writers.add('ana')
    for (const name of ['ana', 'rita']) access.readers.add(name)
  })
  afterAll(async () => {
    await server?.close()
    await fixture?.dispose()
  })

  /** As the SDK makes it. @param before - what happens to a call on its way. */
  function portOf(name: string, before: (method: string, path: string) => void = () => {}): FilesPort {
    return {
      server: server.publicUrl,
      conversation: CONVERSATION,
      wait: async () => {},
      async call(method, path, body, headers, signal) {
        before(method, path)
        signal?.throwIfAborted()
        const answer = await fileCall(people[name]!, APP, method, path, { headers, ...(body && { body }) })
        if (answer.ok) return answer
        // HEAD has no body to say it in.
        const { code } = method === 'HEAD' ? { code: 'NOT_FOUND' } : await answer.json()
        throw new KeyhavenError(code, `the server answered ${code}`)
      },
    }
  }
  const filesOf = (...given: Parameters<typeof portOf>) => createConversationFiles(portOf(...given))

  test('one member uploads, the other downloads, whole and in ranges', async () => {
    const thumbnail = randomBytes(5_000)
    const file = await filesOf('ana').upload(new Blob([plain]), {
      name: 'Film.mp4',
      type: 'video/mp4',
      thumbnail,
    })
    const download = await filesOf('rita').download(file)
    expect(download.metadata).toMatchObject({ name: 'Film.mp4', type: 'video/mp4', size: plain.length })
    expect(Buffer.compare(download.metadata.thumbnail!, thumbnail)).toBe(0)
    const bytes = Buffer.from(await new Response(download.stream).arrayBuffer())
    expect(bytes.equals(plain)).toBe(true)
    const range = { start: 12 * MEBIBYTE - 5, end: 12 * MEBIBYTE + 5 }
    const part = await filesOf('rita').download(file, { range })
    const partBytes = Buffer.from(await new Response(part.stream).arrayBuffer())
    expect(partBytes.equals(plain.subarray(range.start, range.end))).toBe(true)
    expect((await filesOf('rita').metadata(file)).size).toBe(plain.length)
    await expect(filesOf('stranger').download(file)).rejects.toEqual(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    )
    expect(access.receipts.length).toBeGreaterThan(0)
  })

  test('who may not write uploads nothing', async () => {
    const upload = (name: string) => filesOf(name).upload(new Blob(['abc']), { name: 'f' })
    await expect(upload('rita')).rejects.toEqual(expect.objectContaining({ code: 'ACCESS_DENIED' }))
    await expect(upload('stranger')).rejects.toEqual(expect.objectContaining({ code: 'NOT_FOUND' }))
  })

  test('an upload that was cut twice, then ended by a crash, goes on', async () => {
    let patches = 0
    let kept: UploadState | undefined
    const crash = new AbortController()
    const cutting = filesOf('ana', (method) => {
      if (method !== 'PATCH') return
      patches++
      if (patches === 1) throw new TypeError('fetch failed')
      if (patches === 3) {
        crash.abort()
        throw crash.signal.reason
      }
    })
    const onState = (state: UploadState) => {
      kept = state
    }
    const crashed = cutting.upload(new Blob([plain]), { name: 'f', onState, signal: crash.signal })
    await expect(crashed).rejects.toThrow(/abort/i)
    const seen: string[] = []
    const files = filesOf('ana', (method) => seen.push(method))
    const file = await files.upload(new Blob([plain]), { name: 'f', resume: kept! })
    expect(seen).toEqual(['HEAD', 'PATCH', 'PATCH'])
    const bytes = Buffer.from(await (await (await filesOf('rita').download(file)).blob()).arrayBuffer())
    expect(bytes.equals(plain)).toBe(true)
  })

  test('an upload can be given up', async () => {
    const crash = new AbortController()
    let id = ''
    const files = filesOf('ana', (method, path) => {
      if (method !== 'PATCH') return
      id = path
      crash.abort()
      throw crash.signal.reason
    })
    const upload = files.createUpload(new Blob([plain]), { name: 'f' })
    await expect(upload.run(crash.signal)).rejects.toThrow(/abort/i)
    await upload.discard()
    expect((await fileCall(people.ana!, APP, 'GET', `${id}/info`)).status).toBe(404)
  })
})
