import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { freePort } from '../../../test/kit/free-port.ts'
import { TEST_ENV } from '../../../test/kit/server-process.ts'
import { callAdmin } from '../../../test/kit/test-server.ts'
import { verifyFiles } from '../src/files/verify-files.ts'
import { openObjectStore } from '../src/platform/objects/open-object-store.ts'
import { enrollUser } from './fixtures/directory-user.ts'
import { type FileServerProcess, startFileServerProcess } from './fixtures/file-server-process.ts'
import { type TusClient, tusClient } from './fixtures/tus-client.ts'

const KILLS = Number(process.env.SOAK_FILE_KILLS ?? 6)
const MS_PER_KILL = 20_000
const APP = 'app'
const CONVERSATION = randomBytes(16).toString('base64url')
const MEBIBYTE = 1_024 * 1_024
/** Some are too little for a part, so that parts and tails are both cut. */
const REQUEST_BYTES = [8 * MEBIBYTE, MEBIBYTE, 3 * MEBIBYTE, 6 * MEBIBYTE]
const FILE_BYTES = 21 * MEBIBYTE + 5
/** About as long as one request takes. */
const REQUEST_MS = 150

describe.each(ENGINES)('kill -9 during uploads on $name', (engine) => {
  let fixture: StateFixture
  let env: Record<string, string>
  let server: FileServerProcess
  let client: TusClient
  beforeAll(async () => {
    fixture = await createStateFixture(engine, { ...TEST_ENV, KEYHAVEN_PORT: String(await freePort()) })
    env = { ...fixture.env }
    server = await startFileServerProcess(env)
    await callAdmin(server.adminUrl, 'POST', '/applications', { id: APP, suite: 'x25519' })
    client = tusClient(await enrollUser(server, APP, 'ana'), APP)
  })
  afterAll(async () => {
    await server?.kill()
    await fixture?.dispose()
  })

  test(
    `what was acknowledged is there, and every file ends up whole (${KILLS} times)`,
    async () => {
      const bytes = randomBytes(FILE_BYTES)
      const digest = (content: Uint8Array) => createHash('sha256').update(content).digest('hex')
      let [path, acknowledged, whole, cut, request] = ['', 0, 0, 0, 0]
      for (let kill = 0; kill < KILLS; kill++) {
        const dies = new Promise<void>((resolve) => {
          const after = Math.random() * REQUEST_MS * (1 + REQUEST_BYTES.length)
          setTimeout(() => void server.kill().then(resolve), after)
        })
        try {
          for (;;) {
            if (path === '') {
              path = (await client.create(CONVERSATION, FILE_BYTES)).headers.get('location') ?? ''
              acknowledged = 0
            }
            const length = REQUEST_BYTES[request++ % REQUEST_BYTES.length]!
            const body = new Uint8Array(bytes.subarray(acknowledged, acknowledged + length))
            const answer = await client.patch(path, acknowledged, body)
            if (answer.status !== 204) throw new Error(String(answer.status))
            acknowledged = Number(answer.headers.get('upload-offset'))
            if (acknowledged === FILE_BYTES) {
              whole++
              path = ''
            }
          }
        } catch {
          cut++
        }
        await dies
        server = await startFileServerProcess(env)
        if (path === '') continue
        const head = await client.head(path)
        expect(head.status).toBe(200)
        const offset = Number(head.headers.get('upload-offset'))
        expect(offset).toBeGreaterThanOrEqual(acknowledged)
        acknowledged = offset
        if (offset === FILE_BYTES) {
          const content = new Uint8Array(await (await client.get(path)).arrayBuffer())
          expect(digest(content)).toBe(digest(bytes))
          path = ''
        }
      }
      expect(cut).toBe(KILLS)
      while (path !== '' && acknowledged < FILE_BYTES) {
        const body = new Uint8Array(bytes.subarray(acknowledged, acknowledged + 8 * MEBIBYTE))
        acknowledged = Number((await client.patch(path, acknowledged, body)).headers.get('upload-offset'))
      }
      const state = await fixture.open({ schedule: false })
      const rows = await state.db.selectFrom('files').selectAll().where('state', '=', 'complete').execute()
      expect(rows.length).toBeGreaterThanOrEqual(Math.max(whole, 1))
      for (const { id } of rows) {
        const content = new Uint8Array(await (await client.get(`/v1/files/${id}`)).arrayBuffer())
        expect(digest(content)).toBe(digest(bytes))
      }
      // Nothing is left but rests that are known as such; with them gone, both sides fit.
      const objects = await openObjectStore(fixture.config.objects)
      const later = () => Date.now() + 86_400_000
      const work = { repair: true, actor: 'cli', clock: later }
      const { findings } = await verifyFiles(state, objects, work)
      expect(findings.filter(({ problem }) => problem !== 'upload-left')).toEqual([])
      expect((await verifyFiles(state, objects, work)).findings).toEqual([])
    },
    KILLS * MS_PER_KILL + 60_000,
  )
})
