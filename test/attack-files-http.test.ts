import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { enrollUser } from '../packages/server/test/fixtures/directory-user.ts'
import {
  type FileServer,
  type ScriptedAccess,
  scriptedAccess,
  startFileServer,
} from '../packages/server/test/fixtures/file-server.ts'
import { type TusClient, tusClient, upload } from '../packages/server/test/fixtures/tus-client.ts'
import { createStateFixture, ENGINES, type StateFixture } from './kit/engines.ts'
import { TEST_ENV } from './kit/server-process.ts'
import { callAdmin } from './kit/test-server.ts'

const APP = 'app'
const CONVERSATION = randomBytes(16).toString('base64url')

/** Headers and paths as no client writes them: each is refused or passed over, and nothing fails inside. */
describe.each(ENGINES)('odd requests about files on $name', (engine) => {
  let fixture: StateFixture
  let server: FileServer
  let access: ScriptedAccess
  let ana: TusClient
  let other: TusClient
  beforeAll(async () => {
    fixture = await createStateFixture(engine, TEST_ENV)
    access = scriptedAccess()
    server = await startFileServer(fixture.env, access)
    for (const id of [APP, 'other']) {
      await callAdmin(server.adminUrl, 'POST', '/applications', { id, suite: 'x25519' })
    }
    ana = tusClient(await enrollUser(server, APP, 'ana'), APP)
    // The same name and rights, in another application.
    other = tusClient(await enrollUser(server, 'other', 'ana'), 'other')
    for (const list of [access.writers, access.readers, access.admins]) list.add('ana')
  })
  afterAll(async () => {
    await server?.close()
    await fixture?.dispose()
  })

  test('offsets', async () => {
    const open = (await ana.create(CONVERSATION, 10)).headers.get('location')!
    for (const offset of ['-1', '-0', '1e0', '0x0', '0.0', '00', '99999999999999999999', 'NaN', '0, 0']) {
      const answer = await ana.patch(open, offset, Buffer.from('x'))
      expect([400, 409, 204], offset).toContain(answer.status)
      // Some spellings are zero, and then it is that.
      if (answer.status === 204) expect(['-0', '1e0', '0x0', '0.0', '00'], offset).toContain(offset)
      await answer.body?.cancel()
    }
    const { headers } = await ana.head(open)
    expect(Number(headers.get('upload-offset'))).toBeLessThanOrEqual(1)
  })

  test('ranges', async () => {
    const path = await upload(ana, CONVERSATION, Buffer.from('0123456789'))
    for (const range of [
      ...['bytes=-0', 'bytes=10-', 'bytes=5-4', 'bytes=0-0,2-2', 'bytes=-999999999999999', 'bytes=--1'],
      ...['bytes=0-999999999999999', 'bytes=99999999999999999999-', 'items=0-1', 'bytes= 0-1', 'bytes=1e1-'],
    ]) {
      const answer = await ana.get(path, range)
      expect([200, 206, 416], range).toContain(answer.status)
      if (answer.status !== 416) expect('0123456789', range).toContain(await answer.text())
    }
  })

  test('ids that are paths, other cases, or another application’s', async () => {
    const path = await upload(ana, CONVERSATION, Buffer.from('of one application'))
    for (const id of ['..%2f..%2fetc%2fpasswd', '%00', '.', '..', 'a'.repeat(5_000), '%2e%2e', '']) {
      for (const method of ['GET', 'HEAD', 'PATCH', 'DELETE']) {
        const answer = await ana.call(method, `/v1/files/${id}`).catch(() => undefined)
        if (answer) expect([400, 404, 405], `${method} ${id}`).toContain(answer.status)
        await answer?.body?.cancel()
      }
    }
    for (const call of [
      other.get(path),
      other.head(path),
      other.remove(path),
      other.patch(path, 0, Buffer.of(1)),
    ]) {
      expect((await call).status).toBe(404)
    }
    expect(await (await ana.get(path)).text()).toBe('of one application')
  })
})
