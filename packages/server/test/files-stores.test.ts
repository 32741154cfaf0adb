import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { NO_CEPH, startCeph, type TestCeph } from '../../../test/kit/ceph.ts'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { freePort } from '../../../test/kit/free-port.ts'
import { TEST_ENV } from '../../../test/kit/server-process.ts'
import { startTcpFront, type TcpFront } from '../../../test/kit/tcp-front.ts'
import { callAdmin } from '../../../test/kit/test-server.ts'
import type { S3Config } from '../src/platform/config/config.ts'
import { enrollUser } from './fixtures/directory-user.ts'
import { startFileServerProcess } from './fixtures/file-server-process.ts'
import { type TusClient, tusClient } from './fixtures/tus-client.ts'

const APP = 'app'
const CONVERSATION = randomBytes(16).toString('base64url')
const MEBIBYTE = 1_024 * 1_024
const FULL = { status: 507, code: 'STORE_UNAVAILABLE', reason: 'store-full' }
const PART = 8 * MEBIBYTE
const SOON = { timeout: 60_000, interval: 100 }
const digest = (content: Uint8Array) => createHash('sha256').update(content).digest('hex')
const problem = async (answer: Response) => ({ status: answer.status, ...(await answer.json()) })

async function startClient(env: StateFixture['env'], prefix: readonly string[] = []) {
  const server = await startFileServerProcess(env, prefix)
  await callAdmin(server.adminUrl, 'POST', '/applications', { id: APP, suite: 'x25519' })
  return { server, client: tusClient(await enrollUser(server, APP, 'ana'), APP) }
}

async function begin(client: TusClient, bytes: Uint8Array, parts: number): Promise<string> {
  const path = (await client.create(CONVERSATION, bytes.length)).headers.get('location')!
  for (let part = 0; part < parts; part++) {
    const body = new Uint8Array(bytes.subarray(part * PART, (part + 1) * PART))
    expect((await client.patch(path, part * PART, body)).status).toBe(204)
  }
  return path
}

async function finish(client: TusClient, path: string, bytes: Uint8Array): Promise<void> {
  let offset = Number((await client.head(path)).headers.get('upload-offset'))
  while (offset < bytes.length) {
    const body = new Uint8Array(bytes.subarray(offset, offset + PART))
    const answer = await client.patch(path, offset, body)
    expect(answer.status).toBe(204)
    offset = Number(answer.headers.get('upload-offset'))
  }
  const content = new Uint8Array(await (await client.get(path)).arrayBuffer())
  expect(digest(content)).toBe(digest(bytes))
}

describe.skipIf(NO_CEPH)(`files in S3: ${NO_CEPH ?? 'Ceph, SSE-KMS'}`, () => {
  let ceph: TestCeph
  let config: S3Config
  let front: TcpFront
  let fixture: StateFixture
  let open: Awaited<ReturnType<typeof startClient>>
  const settings = (given: S3Config, endpoint = given.endpoint!) => ({
    ...TEST_ENV,
    KEYHAVEN_OBJECTS: 's3',
    KEYHAVEN_S3_BUCKET: given.bucket,
    KEYHAVEN_S3_ENDPOINT: endpoint,
    KEYHAVEN_S3_PATH_STYLE: 'on',
    KEYHAVEN_S3_KMS_KEY: given.kmsKey!,
    KEYHAVEN_S3_ACCESS_KEY_ID: given.credentials!.accessKeyId,
    KEYHAVEN_S3_SECRET_ACCESS_KEY: given.credentials!.secretAccessKey,
  })
  beforeAll(async () => {
    ceph = await startCeph()
    config = await ceph.createBucket()
    front = await startTcpFront(config.endpoint!)
    fixture = await createStateFixture(ENGINES[0]!, settings(config, front.url))
    open = await startClient(fixture.env)
  })
  afterAll(async () => {
    await open?.server.kill()
    await front?.close()
    await fixture?.dispose()
  })

  test('the connection is cut in part 3 of 5: a clear error, no half file, and the upload goes on', async () => {
    const { client } = open
    const bytes = randomBytes(4 * PART + 77)
    const path = await begin(client, bytes, 2)
    front.cutAfter(PART / 2)
    const third = client.patch(path, 2 * PART, new Uint8Array(bytes.subarray(2 * PART, 3 * PART)))
    expect(await problem(await third)).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' })
    // What is known is in the database: HEAD says where it goes on, and nobody gets half a file.
    expect((await client.head(path)).headers.get('upload-offset')).toBe(String(2 * PART))
    expect((await client.get(path)).status).toBe(409)
    front.to(config.endpoint!)
    await finish(client, path, bytes)
    const part = await client.get(path, `bytes=${PART - 2}-${PART + 1}`)
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(PART - 2, PART + 2))).toBe(true)
    // At rest it is not even what was sent, which was ciphertext already.
    const names = (await ceph.rawNames()).filter((name) => name.includes(path.split('/').at(-1)!))
    expect(names.length).toBeGreaterThan(0)
    for (const name of names) {
      const raw = await ceph.rawBytes(name)
      for (let at = 0; at < bytes.length; at += PART)
        expect(raw.includes(bytes.subarray(at, at + 32))).toBe(false)
    }
    expect((await client.remove(path)).status).toBe(204)
  })

  test('a quota that is used up: 507, and the upload goes on when there is room', async () => {
    const { client } = open
    const bytes = randomBytes(2 * PART)
    const path = await begin(client, bytes, 1)
    await ceph.setQuota(config, MEBIBYTE)
    const refused = () => client.patch(path, PART, new Uint8Array(bytes.subarray(PART)))
    // Ceph refuses before it has read the part, and closes: on a busy machine its answer is lost (RFC 9112 §9.6), the
    // client is told 503 and tries again.
    await vi.waitFor(async () => expect(await problem(await refused())).toMatchObject(FULL), SOON)
    expect((await client.head(path)).headers.get('upload-offset')).toBe(String(PART))
    await ceph.setQuota(config, -1)
    await finish(client, path, bytes)
  })

  test('a server with a wrong secret or an unknown KMS key does not start, and says why', async () => {
    for (const [change, text] of [
      [{ KEYHAVEN_S3_SECRET_ACCESS_KEY: 'wrong' }, /secret/],
      [{ KEYHAVEN_S3_KMS_KEY: 'no-such-key' }, /KMS key/],
    ] as const) {
      const other = await createStateFixture(ENGINES[0]!, { ...settings(config), ...change })
      await expect(startFileServerProcess(other.env)).rejects.toThrow(text)
      await other.dispose()
    }
  })
})

// A limit on the size of files (RLIMIT_FSIZE) makes write(2) fail as a full disk does.
test.runIf(process.platform === 'linux')(
  'a full disk: 507, no half file, and the upload goes on when there is room',
  async () => {
    const port = String(await freePort())
    const fixture = await createStateFixture(ENGINES[0]!, { ...TEST_ENV, KEYHAVEN_PORT: port })
    // Enough for the database, too little for a large part.
    const limited = ['bash', '-c', `ulimit -f ${6 * 1_024}; trap '' XFSZ; exec "$@"`, 'limited']
    const { server, client } = await startClient(fixture.env, limited)
    const bytes = randomBytes(5 * MEBIBYTE + PART)
    const path = (await client.create(CONVERSATION, bytes.length)).headers.get('location')!
    const [first, second] = [bytes.subarray(0, 5 * MEBIBYTE), bytes.subarray(5 * MEBIBYTE)]
    expect((await client.patch(path, 0, new Uint8Array(first))).status).toBe(204)
    const refused = await client.patch(path, first.length, new Uint8Array(second))
    expect(await problem(refused)).toMatchObject(FULL)
    expect((await client.head(path)).headers.get('upload-offset')).toBe(String(first.length))
    expect((await client.get(path)).status).toBe(409)
    await server.kill()
    const roomy = await startFileServerProcess(fixture.env)
    await finish(client, path, bytes)
    await roomy.kill()
    await fixture.dispose()
  },
)
