import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type MessagingStore, memoryStore } from '@keyhaven/messaging'
import { type ConnectOptions, connect, type Me } from '@keyhaven/sdk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES, type StateFixture } from './kit/engines.ts'
import { type ServerProcess, startServerProcess } from './kit/server-process.ts'
import { callAdmin } from './kit/test-server.ts'

const MS_PER_SECOND = 1_000
/** Nothing that was looked up is relied on: each message asks the directory. */
const ASKING = { messages: { lookUpSeconds: 0 } }

interface Person {
  readonly username: string
  readonly store: MessagingStore
}

let fixture: StateFixture
let trust: ConnectOptions['trust']
let application: string
let running: ServerProcess[]
let open: Me[]

beforeEach(async () => {
  fixture = await createStateFixture(ENGINES[0]!)
  running = []
  open = []
  const server = await start('data')
  application = server.defaultApplication.id
  const log = (await callAdmin(server.adminUrl, 'GET', `/applications/${application}/directory/log`)).body
  trust = { rootThumbprints: server.defaultApplication.rootThumbprints, log: log.verifierKey }
})

afterEach(async () => {
  for (const me of open) await me.close()
  for (const server of running) await server.kill()
  await fixture.dispose()
})

/** @param folder - with everything that a server has: database, keys, anchor, log files. */
async function start(folder: string): Promise<ServerProcess> {
  const data = join(fixture.folder, folder)
  const server = await startServerProcess({
    KEYHAVEN_DATA_DIR: data,
    KEYHAVEN_DATABASE_URL: `sqlite:${join(data, 'keyhaven.db')}`,
  })
  // Dates are whole seconds, and replay entries in memory refuse the second in which they began.
  await delay(MS_PER_SECOND - (Date.now() % MS_PER_SECOND))
  running.push(server)
  return server
}

async function stop(): Promise<void> {
  for (const me of open.splice(0)) await me.close()
  for (const server of running.splice(0)) await server.stop()
}

const copy = (from: string, to: string) =>
  cp(join(fixture.folder, from), join(fixture.folder, to), { recursive: true })
const connected = ({ publicUrl }: ServerProcess) =>
  connect({ url: publicUrl, applicationId: application, trust })

async function enroll(server: ServerProcess, username: string): Promise<Me & Person> {
  const path = `/applications/${application}/directory/sign-up-tokens`
  const { token } = (await callAdmin(server.adminUrl, 'POST', path, { username })).body
  const store = memoryStore()
  const me = await connected(server).enroll({ username, token, store, profile: 'x25519', ...ASKING })
  open.push(me)
  return { ...me, username, store }
}

/** The same device as before, at another server. */
async function resume({ store }: Person, server: ServerProcess): Promise<Me> {
  const me = (await connected(server).resume({ store, ...ASKING }))!
  open.push(me)
  return me
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error) => error.code ?? String(error),
  )
const send = async (from: Me, to: Person, text: string) =>
  (await from.messages.encrypt(to.username, text, { newSession: true })).envelope

describe('a log that shows two users two histories', () => {
  test.each([
    ['of the same size', 1, 1],
    ['longer for the sender', 3, 1],
    ['longer for the recipient', 1, 3],
  ])('%s is found when they exchange messages', async (_, onOne, onTwo) => {
    const [main] = running as [ServerProcess]
    const anna = await enroll(main, 'anna')
    const ben = await enroll(main, 'ben')
    expect((await ben.messages.decrypt(await send(anna, ben, 'one log'))).text).toBe('one log')
    await stop()
    await copy('data', 'fork')
    const [one, two] = [await start('data'), await start('fork')]
    for (let n = 0; n < onOne; n++) await enroll(one, `only there ${n}`)
    for (let n = 0; n < onTwo; n++) await enroll(two, `only here ${n}`)
    const [annaThere, benHere] = [await resume(anna, one), await resume(ben, two)]
    // Each alone sees a log that only grew.
    await annaThere.directory.lookUp('ben')
    await benHere.directory.lookUp('anna')
    expect((await annaThere.directory.monitor()).hidden).toEqual([])
    expect((await benHere.directory.monitor()).hidden).toEqual([])
    const envelope = await send(annaThere, ben, 'two logs')
    expect(await codeOf(benHere.messages.decrypt(envelope))).toBe('LOG_INCONSISTENT')
    const answer = await send(benHere, anna, 'two logs')
    expect(await codeOf(annaThere.messages.decrypt(answer))).toBe('LOG_INCONSISTENT')
    // It stays so: the message is not read by asking again.
    expect(await codeOf(benHere.messages.decrypt(envelope))).toBe('LOG_INCONSISTENT')
  })
})

describe('a server that was set back to an older copy of all it has', () => {
  test('is noticed by everybody who saw more, also once the log has grown past it again', async () => {
    const [main] = running as [ServerProcess]
    const anna = await enroll(main, 'anna')
    const ben = await enroll(main, 'ben')
    await send(anna, ben, 'they know each other')
    await stop()
    await copy('data', 'backup')
    const later = await start('data')
    const annaLater = await resume(anna, later)
    await enroll(later, 'carl')
    await annaLater.renew()
    await annaLater.directory.lookUp('carl')
    const envelope = await send(annaLater, ben, 'from before the loss')
    await stop()
    await rm(join(fixture.folder, 'data'), { recursive: true })
    await copy('backup', 'data')
    const restored = await start('data')
    const annaNow = await resume(anna, restored)
    const lost = /^(LOG_INCONSISTENT|DIRECTORY_STALE|UNAUTHENTICATED)$/
    expect(await codeOf(annaNow.directory.lookUp('ben'))).toMatch(lost)
    expect(await codeOf(send(annaNow, ben, 'hello'))).toMatch(lost)
    // Whoever has seen nothing since the copy was made learns of it from a message.
    const benNow = await resume(ben, restored)
    expect(await codeOf(benNow.directory.lookUp('anna'))).toBe('done')
    expect(await codeOf(benNow.messages.decrypt(envelope))).toMatch(/^(LOG_INCONSISTENT|DIRECTORY_STALE)$/)
    // It grows past what was lost, with other entries.
    for (let n = 0; n < 4; n++) await enroll(restored, `dora ${n}`)
    expect(await codeOf(annaNow.directory.lookUp('ben'))).toMatch(lost)
    expect(await codeOf(benNow.messages.decrypt(envelope))).toMatch(/^(LOG_INCONSISTENT|DIRECTORY_STALE)$/)
  })

  test('a contact who only looked up notices by the log alone', async () => {
    const [main] = running as [ServerProcess]
    const anna = await enroll(main, 'anna')
    const ben = await enroll(main, 'ben')
    await stop()
    await copy('data', 'backup')
    const later = await start('data')
    await enroll(later, 'carl')
    const benLater = await resume(ben, later)
    await benLater.directory.lookUp('carl')
    await stop()
    await rm(join(fixture.folder, 'data'), { recursive: true })
    await copy('backup', 'data')
    const restored = await start('data')
    const benNow = await resume(ben, restored)
    expect(await codeOf(benNow.directory.lookUp('anna'))).toMatch(/^(LOG_INCONSISTENT|DIRECTORY_STALE)$/)
    expect(await codeOf(send(benNow, anna, 'hello'))).toMatch(/^(LOG_INCONSISTENT|DIRECTORY_STALE)$/)
    for (let n = 0; n < 3; n++) await enroll(restored, `dora ${n}`)
    expect(await codeOf(benNow.directory.lookUp('anna'))).toBe('LOG_INCONSISTENT')
    expect(await codeOf(send(benNow, anna, 'hello'))).toBe('LOG_INCONSISTENT')
  })
})
