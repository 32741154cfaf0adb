import { backend, randomId } from '@keyhaven/crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { type TestClock, testClock } from '../../../test/kit/test-clock.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import { ROTATIONS } from '../src/conversations/conversation-routes.ts'
import { type DirectoryUser, enrollUser } from './fixtures/directory-user.ts'
import { createHttpConversation, type HttpConversation } from './fixtures/http-conversation.ts'

const APP = 'app'
const STRANGER = {
  type: 'urn:keyhaven:error:NOT_FOUND',
  code: 'NOT_FOUND',
  title: 'Not found',
  status: 404,
  detail: 'there is no such conversation, key or file',
}

describe.each(ENGINES)('conversations through the channel on $name', (engine) => {
  let clock: TestClock
  let server: TestServer
  let alice: DirectoryUser
  let bob: DirectoryUser
  let mallory: DirectoryUser
  let chat: HttpConversation
  let conversation: string
  let key: { readonly id: string; readonly key: string }
  beforeAll(async () => {
    clock = testClock()
    server = await startTestServer(engine)
    for (const id of [APP, 'other']) await server.admin('POST', '/applications', { id, suite: 'x25519' })
    alice = await enrollUser(server, APP, 'alice')
    bob = await enrollUser(server, APP, 'bob')
    mallory = await enrollUser(server, APP, 'mallory')
    chat = await createHttpConversation(server, APP, [
      [alice, 'owner'],
      [bob, 'member'],
    ])
    conversation = chat.id
    key = chat.key
  })
  afterAll(() => server?.dispose())

  const problemOf = async (answer: Response) => ({ status: answer.status, body: await answer.json() })

  test('a member gets the key, its receipt, and the proof that it is in the log', async () => {
    const got = await (await bob.call('GET', `/v1/keys/${key.id}`)).json()
    expect(got).toMatchObject({
      id: key.id,
      conversation,
      key: key.key,
      mode: 'managed',
      createdBy: 'server',
    })
    const receipts = await (
      await bob.call('GET', `/v1/conversations/${conversation}/receipts?limit=1`)
    ).json()
    expect(receipts).toMatchObject({ items: [{ receipt: { sequence: 0, rule: 'made' } }], nextCursor: '0' })
    const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text()
    expect(metrics).toContain('keyhaven_conversation_releases_total{outcome="ok"} 1')
    expect(metrics).toContain('keyhaven_conversation_receipts_total 2')
    // Whoever makes a conversation is given its key in the same transaction.
    expect(metrics).toContain('keyhaven_conversation_batch_releases_sum 2')
    expect(metrics).toContain('keyhaven_conversation_batch_releases_count 2')
    const rest = await (await bob.call('GET', `/v1/conversations/${conversation}/receipts?after=0`)).json()
    expect(rest.items.at(-1).commitment).toEqual(got.receipt)
    expect(Object.keys(rest.proofs)).toContain(String(got.receipt.logIndex))
    const own = await (await bob.call('GET', '/v1/conversations')).json()
    expect(own.items).toMatchObject([{ conversation, role: 'member', mode: 'managed' }])
  })

  test('what is not signed, or not sealed, is refused before anything is looked up', async () => {
    const paths = [
      `/v1/keys/${key.id}`,
      '/v1/conversations',
      `/v1/conversations/${conversation}`,
      `/v1/conversations/${conversation}/receipts`,
      `/v1/keys/${key.id}/recipients`,
      '/v1/key-requests',
    ]
    for (const path of paths) {
      expect(await problemOf(await alice.call('GET', path, undefined, false))).toMatchObject({
        ...{ status: 401, body: { code: 'UNAUTHENTICATED' } },
      })
      expect(await problemOf(await fetch(`${server.publicUrl}${path}`))).toMatchObject({
        ...{ status: 403, body: { code: 'CHANNEL_REQUIRED' } },
      })
    }
  })

  test('a stranger’s answers do not differ by a byte from those about nothing', async () => {
    const other = await enrollUser(server, 'other', 'alice')
    for (const stranger of [mallory, other]) {
      for (const [there, nothing] of [
        [`/v1/keys/${key.id}`, `/v1/keys/${randomId(backend, 16)}`],
        [`/v1/conversations/${conversation}`, `/v1/conversations/${randomId(backend, 16)}`],
      ] as const) {
        const answers = [await stranger.call('GET', there), await stranger.call('GET', nothing)]
        const texts = await Promise.all(answers.map((answer) => answer.text()))
        expect(answers.map(({ status }) => status)).toEqual([404, 404])
        expect(texts[0]).toBe(texts[1])
        expect(JSON.parse(texts[0]!)).toEqual(STRANGER)
      }
    }
  })

  test('a conflict says where the conversation is; a refusal says what is missing', async () => {
    const old = await chat.sign(alice, { kind: 'role', username: 'bob', role: 'reader' })
    await chat.change(alice, { kind: 'remove', username: 'bob', reason: 'left the team' })
    const path = `/v1/conversations/${conversation}/entries`
    const { key: next } = chat
    expect(next.id).not.toBe(key.id)
    expect(await problemOf(await alice.call('POST', path, { entry: old }))).toMatchObject({
      status: 409,
      body: { code: 'CONFLICT', sequence: 1, head: expect.any(String) },
    })
    expect(await problemOf(await bob.call('GET', `/v1/keys/${next.id}`))).toMatchObject({
      status: 403,
      body: { code: 'ACCESS_DENIED', permission: 'conversation:read', reason: 'removed' },
    })
    const many = await bob.call('POST', '/v1/keys', { ids: [key.id, next.id] })
    expect(await many.json()).toMatchObject({
      keys: [{ id: key.id }],
      refused: [{ id: next.id, code: 'ACCESS_DENIED', reason: 'removed' }],
    })
  })

  test('operators see numbers and names, and two of them export', async () => {
    const path = `/applications/${APP}/conversations`
    const list = await server.admin('GET', `${path}?username=alice`)
    expect(list.body.items).toMatchObject([{ id: conversation, mode: 'managed', members: 1, keys: 2 }])
    const { body } = await server.admin('GET', `${path}/${conversation}`)
    expect(body).toMatchObject({
      people: [{ username: 'alice' }, { username: 'bob', until: expect.any(String) }],
    })
    expect(JSON.stringify(body)).not.toContain(key.key)
    const tokenOf = async (name: string, maker?: string) =>
      (await server.admin('POST', '/tokens', { name, roles: ['admin'] }, maker)).body.token as string
    const [one, two] = [await tokenOf('one'), await tokenOf('two')]
    const asked = await server.admin('POST', `${path}/${conversation}/exports`, { reason: 'order 7' }, one)
    expect(asked).toMatchObject({ status: 201, body: { state: 'pending', requestedBy: 'token:one' } })
    const exported = `${path}/${conversation}/exports/${asked.body.id}`
    expect((await server.admin('POST', `${exported}/approve`, undefined, one)).status).toBe(403)
    const spare = await tokenOf('spare', one)
    expect(await server.admin('POST', `${exported}/approve`, undefined, spare)).toMatchObject({
      status: 403,
      body: { code: 'ACCESS_DENIED', detail: expect.stringContaining('token:one made token:spare') },
    })
    expect((await server.admin('GET', `${exported}/keys`, undefined, one)).status).toBe(403)
    expect((await server.admin('POST', `${exported}/approve`, undefined, two)).status).toBe(200)
    const keys = await server.admin('GET', `${exported}/keys`, undefined, one)
    expect(keys.body.items.map((item: { key: string }) => item.key)).toContain(key.key)
    expect((await server.admin('GET', `${exported}/keys`, undefined, two)).status).toBe(409)
    const newest = (await server.admin('GET', `${path}/${conversation}/receipts?limit=1`)).body.items[0]
    expect(newest.receipt).toMatchObject({ kind: 'export', to: { operators: ['token:one', 'token:two'] } })
    const wrong = `${path}/${randomId(backend, 16)}/exports/${asked.body.id}/approve`
    expect((await server.admin('POST', wrong, undefined, two)).status).toBe(404)
    expect((await server.admin('POST', `${path}/${conversation}/rotate`)).status).toBe(201)
  })

  test('one member makes so many keys at once; the membership still changes', async () => {
    const path = `/v1/conversations/${conversation}`
    const rotate = () => alice.call('POST', `${path}/keys`, {})
    clock.hold()
    for (let made = 0; made < ROTATIONS.burst; made++) expect((await rotate()).status).toBe(201)
    const { status, body } = await problemOf(await rotate())
    clock.go()
    expect(status).toBe(429)
    expect(body).toMatchObject({
      code: 'RATE_LIMITED',
      detail: expect.stringContaining('use the current one'),
    })
    const newest = await (await alice.call('GET', path)).json()
    await chat.change(alice, { kind: 'rules', retention: 9 })
    expect(chat.key.id).not.toBe(newest.currentKey)
  })

  test('the directory’s monitor passes over what the conversations put into the log', async () => {
    const report = await alice.client.monitor()
    expect(report).toMatchObject({ unseen: [], hidden: [], withheld: [] })
    expect(report.size).toBeGreaterThan(7)
    const verdict = await server.admin('POST', `/applications/${APP}/directory/log/check`)
    expect(verdict.body).toMatchObject({ valid: true })
  })
})
