import { randomBytes } from 'node:crypto'
import type { Channel } from '@keyhaven/channel'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { TEST_ENV } from '../../../test/kit/server-process.ts'
import { callAdmin } from '../../../test/kit/test-server.ts'
import { MAX_OPEN_UPLOADS } from '../src/files/file-store.ts'
import { MAX_FILE_BYTES, MAX_PATCH_BYTES } from '../src/files/tus-answer.ts'
import { enrollUser } from './fixtures/directory-user.ts'
import type { FileServer, ScriptedAccess } from './fixtures/file-server.ts'
import { scriptedAccess, startFileServer } from './fixtures/file-server.ts'
import { fileCall, type TusClient, tusClient, upload } from './fixtures/tus-client.ts'

const APP = 'app'
const CONVERSATION = randomBytes(16).toString('base64url')
const MEBIBYTE = 1_024 * 1_024

describe.each(ENGINES)('files on $name', (engine) => {
  let fixture: StateFixture
  let server: FileServer
  let access: ScriptedAccess
  const people: Record<string, TusClient> = {}
  const channelOf: Record<string, Channel> = {}
  beforeAll(async () => {
    fixture = await createStateFixture(engine, TEST_ENV)
    access = scriptedAccess()
    server = await startFileServer(fixture.env, access)
    for (const id of [APP, 'other']) {
      await callAdmin(server.adminUrl, 'POST', '/applications', { id, suite: 'x25519' })
    }
    for (const name of ['ana', 'ben', 'rita', 'stranger', 'gone']) {
      const user = await enrollUser(server, APP, name)
      channelOf[name] = user.channel
      people[name] = tusClient(user, APP)
    }
    for (const name of ['ana', 'ben']) access.writers.add(name)
    for (const name of ['ana', 'ben', 'rita']) access.readers.add(name)
    access.admins.add('ben')
    access.removed.add('gone')
  })
  afterAll(async () => {
    await server?.close()
    await fixture?.dispose()
  })
  const who = (name: string) => people[name]!
  const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer())
  const problemOf = async (answer: Response) => ({ status: answer.status, ...(await answer.json()) })

  test('a file goes up in parts and comes down whole, or in ranges', async () => {
    const bytes = randomBytes(19 * MEBIBYTE + 123)
    const created = await who('ana').create(CONVERSATION, bytes.length)
    expect(created.status).toBe(201)
    expect(created.headers.get('tus-resumable')).toBe('1.0.0')
    const path = created.headers.get('location')!
    expect(path).toMatch(/^\/v1\/files\/[\w-]{22}$/)
    let offset = 0
    for (const length of [8 * MEBIBYTE, MEBIBYTE, 3 * MEBIBYTE, 1, 7 * MEBIBYTE + 122]) {
      const before = await who('ana').head(path)
      expect(before.status).toBe(200)
      expect(before.headers.get('upload-offset')).toBe(String(offset))
      expect(before.headers.get('upload-length')).toBe(String(bytes.length))
      const answer = await who('ana').patch(
        path,
        offset,
        new Uint8Array(bytes.subarray(offset, offset + length)),
      )
      expect(answer.status).toBe(204)
      offset += length
      expect(answer.headers.get('upload-offset')).toBe(String(offset))
    }
    expect(offset).toBe(bytes.length)
    const whole = await who('rita').get(path)
    expect(whole.headers.get('content-length')).toBe(String(bytes.length))
    expect((await bytesOf(whole)).equals(bytes)).toBe(true)
    const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text()
    expect(metrics).toContain(`keyhaven_files_uploaded_bytes_total ${bytes.length}`)
    expect(metrics).toContain(`keyhaven_files_downloaded_bytes_total ${bytes.length}`)
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 0],
      [`bytes=${8 * MEBIBYTE - 3}-${8 * MEBIBYTE + 3}`, 8 * MEBIBYTE - 3, 8 * MEBIBYTE + 3],
      ['bytes=-10', bytes.length - 10, bytes.length - 1],
      [`bytes=${bytes.length - 5}-${bytes.length + 5}`, bytes.length - 5, bytes.length - 1],
    ] as const) {
      const part = await who('rita').get(path, range)
      expect(part.status).toBe(206)
      expect(part.headers.get('content-range')).toBe(`bytes ${start}-${end}/${bytes.length}`)
      expect((await bytesOf(part)).equals(bytes.subarray(start, end + 1))).toBe(true)
    }
    const beyond = await who('rita').get(path, `bytes=${bytes.length}-`)
    expect(beyond.status).toBe(416)
    expect(beyond.headers.get('content-range')).toBe(`bytes */${bytes.length}`)
    for (const several of ['bytes=0-1,3-4', 'lines=1-2', 'bytes=5-2', 'bytes=-']) {
      expect((await who('rita').get(path, several)).status).toBe(200)
    }
    // One download, whatever its ranges: one receipt.
    expect(access.receipts).toEqual([`rita ${path.split('/').at(-1)}`])
    const info = await (await who('ben').call('GET', `${path}/info`)).json()
    const { device } = info.by
    expect(info).toEqual({
      ...{ id: path.split('/').at(-1), conversation: CONVERSATION, membership: 7, bytes: bytes.length },
      ...{
        received: bytes.length,
        complete: true,
        by: { username: 'ana', device },
        createdAt: info.createdAt,
      },
    })
    expect(await server.state.db.selectFrom('file_parts').selectAll().execute()).toEqual([])
    const left = []
    for await (const { name } of server.objects.list('tails/')) left.push(name)
    expect(left).toEqual([])
  })

  test('a finished file is immutable; only owner or admin delete it', async () => {
    const path = await upload(who('ana'), CONVERSATION, Buffer.from('final'))
    for (const name of ['ana', 'ben']) {
      const again = await who(name).patch(path, 5, Buffer.from('!'))
      expect(await problemOf(again)).toMatchObject({ status: 409, code: 'UPLOAD_CONFLICT' })
    }
    expect((await who('ana').patch(path, 0, Buffer.from('other'))).status).toBe(409)
    expect((await who('stranger').patch(path, 0, Buffer.from('other'))).status).toBe(404)
    expect((await who('ana').remove(path)).status).toBe(403)
    expect((await bytesOf(await who('ben').get(path))).toString()).toBe('final')
    expect((await who('ben').remove(path)).status).toBe(204)
    for (const gone of [who('ben').get(path), who('ben').head(path), who('ben').remove(path)]) {
      expect((await gone).status).toBe(404)
    }
    const entries = await server.state.db.selectFrom('audit_entries').selectAll().execute()
    expect(entries.filter(({ action }) => action === 'file.delete')).toMatchObject([
      { subject: path.split('/').at(-1), application_id: APP },
    ])
  })

  test('every call of a stranger says NOT_FOUND, the same as for a file that is not there', async () => {
    const finished = await upload(who('ana'), CONVERSATION, Buffer.from('secret'))
    const open = (await who('ana').create(CONVERSATION, 10)).headers.get('location')!
    const nothing = `/v1/files/${randomBytes(16).toString('base64url')}`
    const calls = (at: TusClient, path: string) => [
      at.get(path),
      at.get(path, 'bytes=0-1'),
      at.head(path),
      at.call('GET', `${path}/info`),
      at.patch(path, 0, Buffer.from('x')),
      at.remove(path),
    ]
    const answers = async (at: TusClient, path: string) =>
      Promise.all(
        calls(at, path).map(async (call) => {
          const { status, headers } = await call
          const text = await (await call).text()
          return { status, text, type: headers.get('content-type') }
        }),
      )
    const expected = await answers(who('stranger'), nothing)
    expect(expected.every(({ status }) => status === 404)).toBe(true)
    expect(await answers(who('stranger'), open)).toEqual(expected)
    expect((await answers(who('stranger'), finished)).map(({ status }) => status)).toEqual([
      404, 404, 404, 404, 404, 404,
    ])
    expect((await who('stranger').create(CONVERSATION, 10)).status).toBe(404)
    // A member who was removed is told so; members see nothing of what is not whole.
    expect((await answers(who('gone'), finished)).map(({ status }) => status)).toEqual([
      403, 403, 403, 403, 403, 403,
    ])
    for (const name of ['ben', 'rita']) expect(await answers(who(name), open)).toEqual(expected)
    // Of another application, the same name and the same file id.
    const elsewhere = tusClient(await enrollUser(server, 'other', 'ana'), 'other')
    expect(await answers(elsewhere, finished)).toEqual(expected)
    expect((await who('ana').get(open)).status).toBe(409)
    expect((await who('ana').remove(open)).status).toBe(204)
  })

  test('the right to write ends in the middle of an upload: so does the upload', async () => {
    const open = (await who('ana').create(CONVERSATION, 10)).headers.get('location')!
    expect((await who('ana').patch(open, 0, Buffer.from('12345'))).status).toBe(204)
    access.writers.delete('ana')
    for (const refused of [
      who('ana').patch(open, 5, Buffer.from('67890')),
      who('ana').head(open),
      who('ana').remove(open),
    ]) {
      expect((await refused).status).toBe(403)
    }
    expect((await who('ana').create(CONVERSATION, 10)).status).toBe(403)
    access.writers.add('ana')
    expect((await who('ana').patch(open, 5, Buffer.from('67890'))).status).toBe(204)
    access.readers.delete('rita')
    expect((await who('rita').get(open)).status).toBe(404)
    access.readers.add('rita')
    expect((await bytesOf(await who('rita').get(open))).toString()).toBe('1234567890')
  })

  test('only the device that began an upload goes on with it', async () => {
    const open = (await who('ana').create(CONVERSATION, 10)).headers.get('location')!
    expect((await who('ben').patch(open, 0, Buffer.from('x'))).status).toBe(404)
    expect((await who('ben').remove(open)).status).toBe(404)
    await server.state.db
      .updateTable('files')
      .set({ device: 'another' })
      .where('state', '=', 'uploading')
      .execute()
    expect((await who('ana').patch(open, 0, Buffer.from('x'))).status).toBe(404)
    await server.state.db.deleteFrom('files').where('state', '=', 'uploading').execute()
  })

  test('what of the protocol could go around the seal or the signature is refused', async () => {
    for (const header of [
      { 'upload-metadata': 'filename c2VjcmV0' },
      { 'upload-concat': 'partial' },
      { 'upload-defer-length': '1' },
      { 'x-http-method-override': 'DELETE' },
      { 'upload-metadata': '' },
    ]) {
      const refused = await who('ana').create(CONVERSATION, 10, header)
      expect(await problemOf(refused)).toMatchObject({ status: 400, code: 'INPUT_INVALID' })
    }
    const path = await upload(who('ana'), CONVERSATION, Buffer.from('stays'))
    const override = await who('ben').call('POST', path, { headers: { 'x-http-method-override': 'DELETE' } })
    expect(override.status).toBe(400)
    expect((await who('ben').get(path)).status).toBe(200)
    for (const length of ['0', '-1', '1e3', '0x10', '', '5.5', '99999999999999999999']) {
      expect((await who('ana').create(CONVERSATION, length)).status).toBe(400)
    }
    expect((await who('ana').create(CONVERSATION, MAX_FILE_BYTES + 1)).status).toBe(413)
    for (const conversation of ['', 'short', '../../../../../../etc/p', `${CONVERSATION}x`]) {
      expect((await who('ana').create(conversation, 10)).status).toBe(400)
    }
    const withBody = {
      body: Buffer.from('x'),
      headers: { 'upload-length': '1', 'keyhaven-conversation': CONVERSATION },
    }
    expect((await who('ana').call('POST', '/v1/files', withBody)).status).toBe(400)
    const user = await enrollUser(server, APP, 'unsigned')
    for (const method of ['POST', 'HEAD', 'PATCH', 'DELETE', 'GET']) {
      expect((await fileCall(user, APP, method, path, { sign: false })).status).toBe(401)
    }
    const outside = await fetch(`${server.publicUrl}${path}`)
    expect(await problemOf(outside)).toMatchObject({ status: 403, code: 'CHANNEL_REQUIRED' })
  })

  test('a PATCH that does not fit changes nothing', async () => {
    const open = (await who('ana').create(CONVERSATION, 10)).headers.get('location')!
    const code = async (answer: Promise<Response>) => (await problemOf(await answer)).code
    expect(await code(who('ana').patch(open, 1, Buffer.from('x')))).toBe('UPLOAD_CONFLICT')
    expect(await code(who('ana').patch(open, 'one', Buffer.from('x')))).toBe('INPUT_INVALID')
    expect(await code(who('ana').patch(open, 0, Buffer.from('12345678901')))).toBe('WIRE_TOO_LARGE')
    const plain = { 'content-type': 'text/plain' }
    expect(await code(who('ana').patch(open, 0, Buffer.from('x'), plain))).toBe('INPUT_INVALID')
    expect(await code(who('ana').patch(open, 0, Buffer.from('x'), { 'tus-resumable': '0.2.0' }))).toBe(
      'INPUT_INVALID',
    )
    const long = { method: 'PATCH', body: new Uint8Array(MAX_PATCH_BYTES + 1) }
    expect(await code(channelOf.ana!.fetch(open, long))).toBe('WIRE_TOO_LARGE')
    const { headers } = await who('ana').head(open)
    expect(headers.get('upload-offset')).toBe('0')
    // Two at once: each byte is there once.
    const both = await Promise.all(
      ['aaaaa', 'bbbbb'].map((text) => who('ana').patch(open, 0, Buffer.from(text))),
    )
    expect(both.map(({ status }) => status).sort()).toEqual([204, 409])
    expect((await who('ana').patch(open, 5, Buffer.from('ccccc'))).status).toBe(204)
    expect((await bytesOf(await who('ana').get(open))).toString()).toMatch(/^(aaaaa|bbbbb)ccccc$/)
  })

  test('nobody fills the store with what is never finished', async () => {
    const many = tusClient(await enrollUser(server, APP, 'many'), APP)
    access.writers.add('many')
    for (let n = 0; n < MAX_OPEN_UPLOADS; n++) expect((await many.create(CONVERSATION, 10)).status).toBe(201)
    expect((await many.create(CONVERSATION, 10)).status).toBe(429)
    expect((await who('ana').create(CONVERSATION, 10)).status).toBe(201)
  })
})
