import { backend, randomId } from '@keyhaven/crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { startTestServer, type TestServer } from '../../../test/kit/test-server.ts'
import { type DirectoryUser, enrollUser } from './fixtures/directory-user.ts'
import { createHttpConversation, type HttpConversation } from './fixtures/http-conversation.ts'
import { type TusClient, tusClient, upload } from './fixtures/tus-client.ts'

const APP = 'app'
const SECRET = 'the secret bytes'
type Call = readonly [method: string, path: string, body?: unknown]

/** Nobody gets what he may not, by any path: the roles of operators, and devices at files. */
describe.each(ENGINES)('refusals about conversations on $name', (engine) => {
  let server: TestServer
  let alice: DirectoryUser
  let bob: DirectoryUser
  let chat: HttpConversation
  beforeAll(async () => {
    server = await startTestServer(engine)
    await server.admin('POST', '/applications', { id: APP, suite: 'x25519' })
    alice = await enrollUser(server, APP, 'alice')
    bob = await enrollUser(server, APP, 'bob')
    chat = await createHttpConversation(server, APP, [
      [alice, 'owner'],
      [bob, 'member'],
    ])
  })
  afterAll(() => server?.dispose())

  const tokenOf = async (name: string, role: string): Promise<string> =>
    (await server.admin('POST', '/tokens', { name, roles: [role] })).body.token
  const base = `/applications/${APP}/conversations`

  /** An export that waits, and one that is approved: there is something to get. */
  async function openExports() {
    const [one, two] = [await tokenOf('one', 'admin'), await tokenOf('two', 'admin')]
    const ask = async () =>
      (await server.admin('POST', `${base}/${chat.id}/exports`, { reason: 'order 7' }, one)).body.id as string
    const [pending, approved] = [await ask(), await ask()]
    const path = `${base}/${chat.id}/exports/${approved}`
    expect((await server.admin('POST', `${path}/approve`, undefined, two)).status).toBe(200)
    return { pending: `${base}/${chat.id}/exports/${pending}`, approved: path, operator: one }
  }

  const numbers = async () => {
    const { keys, receipts, exports } = (await server.admin('GET', `${base}/${chat.id}`)).body
    return { keys, receipts, exports }
  }

  test('a key manager gets nothing of conversations; an auditor reads, and neither rotates nor exports', async () => {
    const { pending, approved, operator } = await openExports()
    const manager = await tokenOf('manager', 'key-manager')
    const auditor = await tokenOf('auditor', 'auditor')
    const reads: readonly Call[] = [
      ['GET', base],
      ['GET', `${base}?username=alice`],
      ['GET', `${base}/${chat.id}`],
      ['GET', `${base}/${chat.id}/receipts`],
    ]
    const changes: readonly Call[] = [
      ['POST', `${base}/${chat.id}/rotate`],
      ['POST', `${base}/${chat.id}/exports`, { reason: 'mine' }],
      ['POST', `${pending}/approve`],
      ['GET', `${approved}/keys`],
    ]
    const before = await numbers()
    for (const [method, path, body] of [...reads, ...changes]) {
      const refused = await server.admin(method, path, body, manager)
      expect([path, refused.status, refused.body.code]).toEqual([path, 403, 'ACCESS_DENIED'])
      // Not even whether there is such a conversation.
      const nothing = path.replace(chat.id, randomId(backend, 16))
      expect((await server.admin(method, nothing, body, manager)).body).toEqual(refused.body)
      expect(JSON.stringify(refused.body)).not.toMatch(/alice|order 7/)
    }
    for (const [method, path] of reads) {
      const { status, body } = await server.admin(method, path, undefined, auditor)
      expect([path, status]).toEqual([path, 200])
      expect(JSON.stringify(body)).toContain('alice')
      expect(JSON.stringify(body)).not.toContain(chat.key.key)
    }
    for (const [method, path, body] of changes) {
      const refused = await server.admin(method, path, body, auditor)
      expect([path, refused.status, refused.body.code]).toEqual([path, 403, 'ACCESS_DENIED'])
    }
    expect(await numbers()).toEqual(before)
    // It was the role: an admin gets it.
    const keys = await server.admin('GET', `${approved}/keys`, undefined, operator)
    expect(keys.body.items.map((item: { key: string }) => item.key)).toContain(chat.key.key)
  })

  /** Every call there is about files: on a whole one and an unfinished one of this device. */
  const calls = (at: TusClient, { id }: HttpConversation, whole: string, open: string) =>
    ({
      create: () => at.create(id, 10),
      'HEAD of an upload': () => at.head(open),
      'HEAD of a file': () => at.head(whole),
      PATCH: () => at.patch(open, 0, Buffer.from('x')),
      GET: () => at.get(whole),
      range: () => at.get(whole, 'bytes=0-3'),
      info: () => at.call('GET', `${whole}/info`),
      'DELETE of an upload': () => at.remove(open),
      'DELETE of a file': () => at.remove(whole),
    }) as const

  async function outcomes(...given: Parameters<typeof calls>) {
    const found: Record<string, unknown> = {}
    for (const [name, call] of Object.entries(calls(...given))) {
      const answer = await call()
      const text = await answer.text()
      expect(text, name).not.toContain(SECRET.slice(0, 4))
      // An answer to HEAD has no body that could say why.
      found[name] = name.startsWith('HEAD') ? answer.status : [answer.status, JSON.parse(text).code]
    }
    return found
  }

  const refusedEverywhere = (status: number, code: string) => ({
    create: [status, code],
    'HEAD of an upload': status,
    'HEAD of a file': status,
    PATCH: [status, code],
    GET: [status, code],
    range: [status, code],
    info: [status, code],
    'DELETE of an upload': [status, code],
    'DELETE of a file': [status, code],
  })

  /** What it may before, so that the refusal has a reason: everything but deleting a whole file. */
  async function begin(user: DirectoryUser, { id }: HttpConversation) {
    const at = tusClient(user, APP)
    const open = (await at.create(id, 10)).headers.get('location')!
    expect((await at.patch(open, 0, new Uint8Array())).status).toBe(204)
    return { at, open }
  }

  test('a revoked device is refused on every path of files', async () => {
    const whole = await upload(tusClient(alice, APP), chat.id, Buffer.from(SECRET))
    const { at, open } = await begin(bob, chat)
    expect(await (await at.get(whole)).text()).toBe(SECRET)
    const { device } = bob.device
    const revoke = `/applications/${APP}/directory/users/bob/devices/${device}/revoke`
    expect((await server.admin('POST', revoke, { reason: 'stolen' })).status).toBeLessThan(300)
    expect(await outcomes(at, chat, whole, open)).toEqual(refusedEverywhere(401, 'DEVICE_REVOKED'))
    expect(await (await tusClient(alice, APP).get(whole)).text()).toBe(SECRET)
  })

  test('the device of a removed member is refused on every path of files made since, and of its own upload', async () => {
    const carol = await enrollUser(server, APP, 'carol')
    const second = await createHttpConversation(server, APP, [
      [alice, 'owner'],
      [carol, 'admin'],
    ])
    const { at, open } = await begin(carol, second)
    await second.change(alice, { kind: 'remove', username: 'carol' })
    const whole = await upload(tusClient(alice, APP), second.id, Buffer.from(SECRET))
    expect(await outcomes(at, second, whole, open)).toEqual(refusedEverywhere(403, 'ACCESS_DENIED'))
    expect(await (await tusClient(alice, APP).get(whole)).text()).toBe(SECRET)
  })
})
