import { backend } from '@keyhaven/crypto'
import {
  auditLog,
  decodeEntryBundle,
  entryTiles,
  parseCheckpoint,
  parseNote,
  tilePath,
} from '@keyhaven/directory/log'
import { type ConnectOptions, connect, type Keyhaven, type Me } from '@keyhaven/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from './kit/code-of.ts'
import { createStateFixture, ENGINES, type StateFixture } from './kit/engines.ts'
import { type ServerProcess, startServerProcess } from './kit/server-process.ts'
import { callAdmin } from './kit/test-server.ts'

const USERS = 24
const CALLS = 12
const POSTGRES = ENGINES[1]!

/** One database, two processes of the server, as behind a load balancer. */
describe('two server processes on one PostgreSQL', () => {
  let fixture: StateFixture
  let servers: readonly ServerProcess[]
  let application: string
  let trust: ConnectOptions['trust']
  const open = new Set<Me>()

  beforeAll(async () => {
    fixture = await createStateFixture(POSTGRES)
    servers = [await startServerProcess(fixture.env), await startServerProcess(fixture.env)]
    const [first] = servers as [ServerProcess, ServerProcess]
    application = first.defaultApplication.id
    const log = (await operator(first, 'GET', '/log')).body.verifierKey as string
    trust = { rootThumbprints: first.defaultApplication.rootThumbprints, log }
  })
  afterAll(async () => {
    for (const me of open) await me.close()
    for (const server of servers ?? []) await server.stop()
    await fixture?.dispose()
  })

  const operator = (server: ServerProcess, method: string, path: string, body?: unknown) =>
    callAdmin(server.adminUrl, method, `/applications/${application}/directory${path}`, body)
  const connectTo = (at: number, changes: Partial<ConnectOptions> = {}): Keyhaven =>
    connect({ url: servers[at % 2]!.publicUrl, applicationId: application, trust, ...changes })
  const tokenFor = async (username: string, at = 0): Promise<string> =>
    (await operator(servers[at % 2]!, 'POST', '/sign-up-tokens', { username })).body.token

  async function enroll(username: string, at: number, changes: Partial<ConnectOptions> = {}): Promise<Me> {
    const token = await tokenFor(username, at + 1)
    const me = await connectTo(at, changes).enroll({ username, token, profile: 'x25519' })
    open.add(me)
    return me
  }

  /** As `keyhaven log verify` does: the public tiles of one process against the checkpoint of the other. */
  async function verifyLog(): Promise<number> {
    const root = (at: number) => `${servers[at]!.publicUrl}/log/${application}`
    const note = await (await fetch(`${root(0)}/checkpoint`)).text()
    const { size, root: hash } = parseCheckpoint(parseNote(note).text)
    const bundles: Uint8Array[][] = []
    for (const tile of entryTiles(size)) {
      const answer = await fetch(`${root(1)}/${tilePath(tile)}`)
      bundles.push(decodeEntryBundle(new Uint8Array(await answer.arrayBuffer()), tile.width))
    }
    await auditLog(backend, bundles, { size, root: hash })
    for (const server of servers) {
      expect((await operator(server, 'POST', '/log/check')).body).toMatchObject({ valid: true, size })
    }
    return size
  }

  test('append at once, through real registrations and renewals, and make no fork', async () => {
    const before = await verifyLog()
    const people = await Promise.all(Array.from({ length: USERS }, (_, at) => enroll(`person ${at}`, at)))
    await Promise.all(people.map((me) => me.renew()))
    expect(await verifyLog()).toBe(before + 2 * USERS)
    // Who looks through one process sees what came through the other, and one log.
    const notes = await Promise.all(
      people.map(async (me, at) => {
        const other = people[(at + 1) % USERS]!
        const found = await me.directory.lookUp(other.username)
        expect(found).toMatchObject({ sequence: 1, devices: [{ device: other.device }] })
        return found.checkpoint
      }),
    )
    expect(new Set(notes.map(({ size, root }) => `${size} ${root}`)).size).toBe(1)
    for (const me of people.slice(0, 4)) {
      expect(await me.directory.monitor()).toMatchObject({ hidden: [], withheld: [], unseen: [] })
    }
  })

  test('one name, one token, both at once: one user, one entry', async () => {
    const before = await verifyLog()
    const token = await tokenFor('wanted')
    const tries = await Promise.allSettled(
      [0, 1].map((at) => connectTo(at).enroll({ username: 'wanted', token, profile: 'x25519' })),
    )
    const made = tries.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    expect(made).toHaveLength(1)
    open.add(made[0]!)
    expect(await verifyLog()).toBe(before + 1)
    expect((await made[0]!.directory.ownChain()).devices).toHaveLength(1)
  })

  test('a message from one to the other; a revocation through one counts at the other at once', async () => {
    const anna = await enroll('anna', 0)
    const ben = await enroll('ben', 1)
    const { envelope } = await anna.messages.encrypt('ben', 'across')
    await anna.mailbox.send('ben', envelope)
    const [mail] = await ben.mailbox.receive()
    expect((await ben.messages.decrypt(mail!.envelope)).text).toBe('across')
    await operator(servers[0]!, 'POST', `/users/ben/devices/${ben.device}/revoke`, { reason: 'stolen' })
    expect(await codeOf(ben.mailbox.receive())).toBe('DEVICE_REVOKED')
    expect(await codeOf(ben.renew())).toBe('DEVICE_REVOKED')
    expect((await anna.directory.lookUp('ben')).refused).toMatchObject([{ code: 'DEVICE_REVOKED' }])
  })

  test('a signed request that reaches both is done once, whichever was first', async () => {
    const captured: { readonly path: string; readonly headers: Headers; readonly body: Uint8Array }[] = []
    const give = (server: ServerProcess, { path, headers, body }: (typeof captured)[number]) =>
      fetch(server.publicUrl + path, { method: 'POST', headers, body: body.slice() })
    let isDoubling = false
    /** Somebody on the line who gives each sealed call to both processes at the same time. */
    const doubled: typeof fetch = async (input, init) => {
      const request = new Request(input, init)
      if (!isDoubling || request.method !== 'POST') return fetch(request)
      const body = new Uint8Array(await request.arrayBuffer())
      const call = { path: new URL(request.url).pathname, headers: request.headers, body }
      captured.push(call)
      const [one] = await Promise.all(servers.map((server) => give(server, call)))
      return one!
    }
    const carl = await enroll('carl', 0, { fetch: doubled })
    const dora = await enroll('dora', 1)
    const texts = Array.from({ length: CALLS }, (_, n) => `message ${n}`)
    const envelopes = await Promise.all(
      texts.map(async (text) => (await carl.messages.encrypt('dora', text)).envelope),
    )
    isDoubling = true
    const codes = await Promise.all(envelopes.map((envelope) => codeOf(carl.mailbox.send('dora', envelope))))
    const renewed = await codeOf(carl.renew())
    isDoubling = false
    // Each process was first with some; of the rest the sender learns that it cannot know.
    for (const code of [...codes, renewed]) expect(code).toMatch(/^(done|RESULT_UNKNOWN)$/)
    expect(captured.length).toBeGreaterThan(CALLS)
    const mail = await dora.mailbox.receive()
    expect(mail.map(({ envelope }) => envelope).sort()).toEqual([...envelopes].sort())
    // A renewal whose answer was lost is found to be done, and goes on from there.
    await carl.upkeep()
    const devices = (await carl.directory.ownChain()).history.map(({ kind }) => kind)
    // Once at most; not at all only if the answer that was lost is that of the look-up before it.
    expect(devices).toEqual(renewed === 'done' || devices.length > 1 ? ['device', 'device'] : ['device'])
    const { envelope: next } = await carl.messages.encrypt('dora', 'goes on', { newSession: true })
    expect((await dora.messages.decrypt(next)).text).toBe('goes on')
    // Later, too, at either of them.
    await Promise.all(captured.flatMap((call) => servers.map((server) => give(server, call))))
    expect(await dora.mailbox.receive()).toEqual([])
    await verifyLog()
  })
})
