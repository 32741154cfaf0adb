import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { startServerProcess } from '../../../test/kit/server-process.ts'
import { type TestClock, testClock } from '../../../test/kit/test-clock.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { callAdmin, startTestServer } from '../../../test/kit/test-server.ts'
import { createMailboxStore, MAILBOX_DAYS, MAX_WAITING_FROM_ONE } from '../src/messaging/mailbox-store.ts'
import { SHUTDOWN_GRACE_MS } from '../src/serve.ts'
import type { DirectoryUser } from './fixtures/directory-user.ts'
import { enrollUser } from './fixtures/directory-user.ts'

const APP = 'app'
const DAY_MS = 86_400_000

describe.each(ENGINES)('mailbox and history on $name', (engine) => {
  let clock: TestClock
  let server: TestServer
  let alice: DirectoryUser
  let bob: DirectoryUser
  beforeAll(async () => {
    clock = testClock()
    server = await startTestServer(engine)
    await server.admin('POST', '/applications', { id: APP, suite: 'x25519' })
    alice = await enrollUser(server, APP, 'alice')
    bob = await enrollUser(server, APP, 'bob')
  })
  afterAll(() => server?.dispose())

  const send = (from: DirectoryUser, to: string | readonly string[], envelope: string) =>
    from.call('POST', '/v1/mailbox/messages', { to, envelope })
  const list = async (of: DirectoryUser, query = '') =>
    (await of.call('GET', `/v1/mailbox/messages${query}`)).json()

  test('hands on what is sent, in order, page by page, also to the sender’s other devices', async () => {
    for (let n = 0; n < 5; n++) expect((await send(alice, 'bob', `"envelope ${n}"`)).status).toBe(201)
    const first = await list(bob, '?limit=3')
    expect(first.items.map((item: { envelope: string }) => item.envelope)).toEqual([
      '"envelope 0"',
      '"envelope 1"',
      '"envelope 2"',
    ])
    expect(first.items[0].from).toEqual({ username: 'alice', device: alice.device.device })
    const rest = await list(bob, `?limit=3&after=${first.nextCursor}`)
    expect(rest).toMatchObject({ items: [{ envelope: '"envelope 3"' }, {}], nextCursor: null })
    expect((await list(alice)).items).toHaveLength(5)
  })

  test('refuses what is too long, to nobody, or not signed', async () => {
    expect((await send(alice, 'no-such-user', 'x')).status).toBe(404)
    // A message is for one user.
    expect((await send(alice, ['bob'], 'x')).status).toBe(400)
    expect((await send(alice, 'bob', 'x'.repeat(256 * 1_024 + 1))).status).toBe(400)
    expect((await send(alice, 'bob', '"'.repeat(256 * 1_024))).status).toBe(201)
    for (const path of ['/v1/mailbox/messages', '/v1/mailbox/events', '/v1/history/recovery/passkey']) {
      expect((await alice.call('GET', path, undefined, false)).status).toBe(401)
    }
  })

  test('streams what comes, also from where it broke off', async () => {
    const { items } = await list(bob)
    const after = items.at(-1).cursor
    const stream = await bob.call('GET', `/v1/mailbox/events?after=${after}`)
    expect(stream.headers.get('content-type')).toContain('text/event-stream')
    const events = readEvents(stream)
    await send(alice, 'bob', 'first')
    const one = (await events.next()).value!
    expect(JSON.parse(one.data)).toMatchObject({ envelope: 'first', from: { username: 'alice' } })
    await send(alice, 'bob', 'second')
    const two = (await events.next()).value!
    expect(JSON.parse(two.data)).toMatchObject({ envelope: 'second' })
    await events.return(undefined)
    const again = readEvents(await bob.call('GET', `/v1/mailbox/events?after=${one.id}`))
    expect((await again.next()).value).toEqual(two)
    await again.return(undefined)
  })

  test('a stream hands nothing more to a device that was revoked meanwhile', async () => {
    const thief = await enrollUser(server, APP, 'robbed')
    const events = readEvents(await thief.call('GET', '/v1/mailbox/events'))
    await send(alice, 'robbed', 'before')
    expect(JSON.parse((await events.next()).value!.data)).toMatchObject({ envelope: 'before' })
    const path = `/applications/${APP}/directory/users/robbed/devices/${thief.device.device}/revoke`
    expect((await server.admin('POST', path, { reason: 'stolen' })).status).toBe(200)
    await send(alice, 'robbed', 'after')
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  test('keeps no history of a device that was revoked', async () => {
    const thief = await enrollUser(server, APP, 'bereft')
    const keep = () => thief.call('POST', '/v1/history/batches', { recipient: 'backup', batch: 'a.b.c' })
    expect((await keep()).status).toBe(201)
    const path = `/applications/${APP}/directory/users/bereft/devices/${thief.device.device}/revoke`
    expect((await server.admin('POST', path, { reason: 'stolen' })).status).toBe(200)
    const refused = await keep()
    expect([refused.status, (await refused.json()).code]).toEqual([401, 'DEVICE_REVOKED'])
  })

  test('names cannot be harvested by sending either', async () => {
    const curious = await enrollUser(server, APP, 'curious')
    clock.hold()
    for (let n = 0; n < 20; n++) expect((await send(curious, `guess-${n}`, 'x')).status).toBe(404)
    for (const name of ['guess-20', 'bob']) expect((await send(curious, name, 'x')).status).toBe(429)
    const lookUp = curious.call('POST', '/v1/directory/look-up', { username: 'bob' })
    expect((await lookUp).status).toBe(429)
    clock.go()
    expect((await send(alice, 'bob', 'x')).status).toBe(201)
  })

  test('what the database cannot keep is refused', async () => {
    expect((await send(alice, 'b\0b', 'x')).status).toBe(400)
    expect((await send(alice, 'bob', '\0')).status).toBe(400)
    expect((await alice.call('PUT', '/v1/history/recovery/passkey', { wrapped: '\0' })).status).toBe(400)
  })

  test('keeps history batches by recipient, and the wrapped recovery key', async () => {
    const add = (recipient: string, batch: string) =>
      alice.call('POST', '/v1/history/batches', { recipient, batch })
    for (let n = 0; n < 25; n++) expect((await add('backup', `a.${n}.c`)).status).toBe(201)
    await add(bob.device.device, 'for.another.device')
    const first = await (await alice.call('GET', '/v1/history/batches?recipient=backup')).json()
    expect(first.items).toHaveLength(20)
    const rest = await (
      await alice.call('GET', `/v1/history/batches?recipient=backup&after=${first.nextCursor}`)
    ).json()
    expect(rest).toMatchObject({
      items: [{ batch: 'a.20.c' }, {}, {}, {}, { batch: 'a.24.c' }],
      nextCursor: null,
    })
    // Another user's history is nobody else's, whatever they name.
    const others = await (await bob.call('GET', '/v1/history/batches?recipient=backup')).json()
    expect(others.items).toEqual([])
    expect((await alice.call('GET', '/v1/history/recovery/passphrase')).status).toBe(404)
    for (const wrapped of ['old', 'new']) {
      expect((await alice.call('PUT', '/v1/history/recovery/passphrase', { wrapped })).status).toBe(204)
    }
    expect(await (await alice.call('GET', '/v1/history/recovery/passphrase')).json()).toEqual({
      wrapped: 'new',
    })
    expect((await bob.call('GET', '/v1/history/recovery/passphrase')).status).toBe(404)
    expect((await alice.call('PUT', '/v1/history/recovery/pin', { wrapped: 'x' })).status).toBe(400)
  })
})

describe.each(ENGINES)('the mailbox store on $name', (engine) => {
  test('two processes that add at once give no number twice; old messages go', async () => {
    const fixture = await createStateFixture(engine)
    let now = Date.now()
    const clock = () => now
    const states = [
      await fixture.open({ schedule: false, clock }),
      await fixture.open({ schedule: false, clock }),
    ] as const
    const user = (username: string) => ({
      application_id: APP,
      username,
      chain: 0,
      sequence: 0,
      head: new Uint8Array(32),
      sign_up: 'token',
      created_at: 0,
      changed_at: 0,
    })
    await states[0].db
      .insertInto('directory_users')
      .values([user('ann'), user('ben')])
      .execute()
    const stores = states.map((state) => createMailboxStore(state))
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => {
        const [from, to] = n % 4 < 2 ? ['ann', 'ben'] : ['ben', 'ann']
        return stores[n % 2]!.add(APP, {
          from: { username: from!, device: 'd' },
          to: to!,
          envelope: `${n}`,
        })
      }),
    )
    for (const username of ['ann', 'ben']) {
      const messages = await stores[0]!.list(APP, username, 0, 100)
      expect(messages.map((message) => message.cursor)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1))
    }
    expect(await stores[0]!.list('other', 'ann', 0, 100)).toEqual([])
    expect(await stores[0]!.list(APP, 'ann', 40, 100)).toEqual([])
    // Where the database was set back, a reader comes with a number that is not there any more.
    expect(await stores[0]!.list(APP, 'ann', 41, 100)).toHaveLength(40)
    now += (MAILBOX_DAYS + 1) * DAY_MS
    await stores[0]!.add(APP, { from: { username: 'ann', device: 'd' }, to: 'ben', envelope: 'new' })
    await stores[0]!.prune(now)
    expect(await stores[1]!.list(APP, 'ben', 0, 100)).toMatchObject([{ cursor: 41, envelope: 'new' }])
    await fixture.dispose()
  })
})

test.each(ENGINES)('nobody fills the mailbox of another alone, on $name', async (engine) => {
  const fixture = await createStateFixture(engine)
  const state = await fixture.open({ schedule: false })
  const users = ['ann', 'ben', 'mallory'].map((username) => ({
    application_id: APP,
    username,
    chain: 0,
    sequence: 0,
    head: new Uint8Array(32),
    sign_up: 'token',
    created_at: 0,
    changed_at: 0,
  }))
  await state.db.insertInto('directory_users').values(users).execute()
  const store = createMailboxStore(state)
  const add = (username: string) =>
    store.add(APP, { from: { username, device: 'd' }, to: 'ben', envelope: 'x' })
  await add('mallory')
  const { id } = (await store.list(APP, 'ben', 0, 1))[0]!
  // As if the first had come again and again.
  for (let from = 2; from <= MAX_WAITING_FROM_ONE; from += 500) {
    const cursors = Array.from({ length: Math.min(500, MAX_WAITING_FROM_ONE - from + 1) }, (_, n) => from + n)
    const rows = cursors.map((cursor) => ({ application_id: APP, username: 'ben', cursor, message_id: id }))
    await state.db
      .insertInto('mailbox_deliveries')
      .values(rows.map((row) => ({ ...row, received_at: Date.now() })))
      .execute()
  }
  await state.db.updateTable('mailbox_heads').set({ cursor: MAX_WAITING_FROM_ONE }).execute()
  await expect(add('mallory')).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  await add('ann')
  await add('ben')
  await fixture.dispose()
})

test.each([1, 2])(
  'a server with %i workers that is told to stop does not wait for streams',
  async (workers) => {
    const fixture = await createStateFixture(ENGINES[0]!)
    const server = await startServerProcess({ ...fixture.env, KEYHAVEN_WORKERS: String(workers) })
    await callAdmin(server.adminUrl, 'POST', '/applications', { id: APP, suite: 'x25519' })
    const alice = await enrollUser(server, APP, 'alice')
    const events = readEvents(await alice.call('GET', '/v1/mailbox/events'))
    await alice.call('POST', '/v1/mailbox/messages', { to: 'alice', envelope: 'x' })
    expect(JSON.parse((await events.next()).value!.data)).toMatchObject({ envelope: 'x' })
    const startedAt = performance.now()
    const [end, code] = await Promise.all([events.next(), server.stop()])
    expect(end.done).toBe(true)
    expect(code).toBe(0)
    // Whoever waits for a stream waits as long as this.
    expect(performance.now() - startedAt).toBeLessThan(SHUTDOWN_GRACE_MS)
    await fixture.dispose()
  },
)

interface Event {
  readonly id: string
  readonly data: string
}

async function* readEvents(stream: Response): AsyncGenerator<Event> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of stream.body!) {
    text += decoder.decode(piece, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      const [id, data] = [field('id'), field('data')]
      if (id !== undefined && data !== undefined) yield { id, data }
    }
  }
}
