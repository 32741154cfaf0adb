import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import { listReports, readReport } from '../src/conversations/admin-conversation-reports.ts'
import { createFileAccess } from '../src/conversations/file-access.ts'
import { createFileService, type FileService } from '../src/files/file-service.ts'
import type { StoredFile } from '../src/files/file-store.ts'
import { openObjectStore } from '../src/platform/objects/open-object-store.ts'
import {
  APP,
  type Chat,
  createChat,
  memberOf,
  openWorld,
  type Person,
  verifiedReceipts,
  type World,
} from './fixtures/conversation-people.ts'
import { enrollUser } from './fixtures/directory-user.ts'
import { tusClient } from './fixtures/tus-client.ts'

const STRANGER = { code: 'NOT_FOUND', message: 'there is no such conversation, key or file' }
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

describe.each(ENGINES)('files of real conversations on $name', (engine) => {
  let world: World
  let files: FileService
  const people: Record<string, Person> = {}
  beforeEach(async () => {
    world = await openWorld(engine)
    for (const name of ['alice', 'bob', 'carol', 'mallory']) people[name] = await world.enroll(name)
    const { state, conversations } = world.first
    const access = createFileAccess(conversations, state)
    const objects = await openObjectStore(world.fixture.config.objects)
    files = createFileService({ state, objects, access, clock: () => world.time.now })
  })
  afterEach(() => world?.dispose())
  const who = (name: string) => people[name]!

  const put = async (by: Person, chat: Chat, text: string): Promise<StoredFile> => {
    const id = files.newId()
    const file = await files.create(APP, by, { id, conversation: chat.id, bytes: text.length })
    await files.append(file, Buffer.from(text))
    return file
  }
  const read = async (by: Person, { id }: StoredFile): Promise<string> =>
    (await buffer(await files.read(await files.openRead(APP, by, id), by, undefined))).toString()

  test('files of a conversation have a quota: unfinished ones count as announced, deleted ones do not', async () => {
    const [one, other] = [
      await createChat(world, [who('alice'), who('bob')]),
      await createChat(world, [who('bob')]),
    ]
    const objects = await openObjectStore(world.fixture.config.objects)
    const second = await world.open()
    const serviceOf = ({ state, conversations }: World['first']) => {
      const access = createFileAccess(conversations, state)
      return createFileService({
        state,
        objects,
        access,
        clock: () => world.time.now,
        conversationBytes: 100,
      })
    }
    files = serviceOf(world.first)
    const begin = (by: Person, chat: Chat, bytes: number, service = files) =>
      service.create(APP, by, { id: service.newId(), conversation: chat.id, bytes })
    const whole = await put(who('alice'), one, 'x'.repeat(40))
    const full = {
      code: 'WIRE_TOO_LARGE',
      reason: 'quota',
      message: expect.stringContaining('delete some, or ask the operator'),
    }
    await expect(begin(who('bob'), one, 61)).rejects.toMatchObject(full)
    // Two processes at once: there is room for one of them.
    const both = [begin(who('bob'), one, 31), begin(who('alice'), one, 31, serviceOf(second))]
    const ends = await Promise.allSettled(both)
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({ reason: full })
    await begin(who('bob'), one, 29)
    await expect(begin(who('bob'), one, 1)).rejects.toMatchObject(full)
    await begin(who('bob'), other, 100)
    await files.remove(await files.openDeletion(APP, who('alice'), whole.id), 'device:alice')
    await begin(who('bob'), one, 40)
    await expect(begin(who('mallory'), one, 1)).rejects.toMatchObject(STRANGER)
  })

  test('operators see what the files of each conversation take up', async () => {
    const [one, other] = [await createChat(world, [who('alice')]), await createChat(world, [who('bob')])]
    await put(who('alice'), one, 'twelve bytes')
    await put(who('alice'), one, 'four')
    const { db } = world.first.state
    const listed = await listReports(db, APP, { after: '', limit: 10 })
    const sizes = Object.fromEntries(listed.map((report) => [report.conversation.id, report.fileBytes]))
    expect(sizes).toEqual({ [one.id]: 16, [other.id]: 0 })
    expect(await readReport(db, APP, one.id)).toMatchObject({ fileBytes: 16 })
  })

  test('a member reads, and leaves a receipt that the log holds; a stranger learns nothing', async () => {
    const chat = await createChat(world, [who('alice'), who('bob')])
    const file = await put(who('alice'), chat, 'for both')
    expect(file).toMatchObject({ conversation: chat.id, membership: chat.sequence })
    expect(await read(who('bob'), file)).toBe('for both')
    await read(who('bob'), file)
    const { mallory } = people
    await expect(read(mallory!, file)).rejects.toMatchObject(STRANGER)
    await expect(files.look(APP, mallory!, file.id)).rejects.toMatchObject(STRANGER)
    await expect(files.openUpload(APP, mallory!, file.id)).rejects.toMatchObject(STRANGER)
    await expect(files.openDeletion(APP, mallory!, file.id)).rejects.toMatchObject(STRANGER)
    await expect(put(mallory!, chat, 'in')).rejects.toMatchObject(STRANGER)
    const receipts = await verifiedReceipts(world.first, who('alice'), chat.id)
    expect(receipts.map(({ receipt }) => receipt).filter(({ kind }) => kind === 'file')).toMatchObject([
      { object: file.id, to: { username: 'bob', device: who('bob').device }, rule: 'member' },
    ])
  })

  test('who was removed or came later reads by the rule of the time when the file was begun', async () => {
    const history = { members: 'joined', devices: 'all' } as const
    const chat = await createChat(world, [who('alice'), who('bob')], { history })
    const before = await put(who('alice'), chat, 'before')
    world.time.now += MINUTE_MS
    await chat.change(who('alice'), { kind: 'remove', username: 'bob' })
    world.time.now += MINUTE_MS
    const between = await put(who('alice'), chat, 'between')
    await chat.change(who('alice'), {
      kind: 'add',
      members: [await memberOf(world.first, who('carol'), 'reader')],
    })
    world.time.now += MINUTE_MS
    const after = await put(who('alice'), chat, 'after')
    expect(await read(who('bob'), before)).toBe('before')
    for (const file of [between, after]) {
      await expect(read(who('bob'), file)).rejects.toMatchObject({ code: 'ACCESS_DENIED', reason: 'removed' })
    }
    await expect(put(who('bob'), chat, 'more')).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    for (const file of [before, between]) {
      await expect(read(who('carol'), file)).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
        reason: 'joined-later',
      })
    }
    expect(await read(who('carol'), after)).toBe('after')
    // A reader reads.
    await expect(put(who('carol'), chat, 'mine')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      reason: 'role',
    })
    await expect(files.openDeletion(APP, who('carol'), after.id)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
    await files.remove(await files.openDeletion(APP, who('alice'), after.id), 'device:alice')
    await expect(read(who('carol'), after)).rejects.toMatchObject(STRANGER)
  })

  test('removed in the middle of an upload: not one byte more', async () => {
    const chat = await createChat(world, [who('alice'), who('bob')])
    const id = files.newId()
    const begun = await files.create(APP, who('bob'), { id, conversation: chat.id, bytes: 10 })
    await files.append(begun, Buffer.from('12345'))
    await chat.change(who('alice'), { kind: 'remove', username: 'bob' })
    await expect(files.openUpload(APP, who('bob'), id)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    await expect(files.look(APP, who('bob'), id)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    await expect(files.openUpload(APP, who('alice'), id)).rejects.toMatchObject(STRANGER)
  })

  test('the conversation’s retention rule, as it is now, deletes its files', async () => {
    const chat = await createChat(world, [who('alice'), who('bob')], { retention: 30 })
    const free = await createChat(world, [who('alice'), who('bob')])
    const [gone, stays] = [await put(who('alice'), chat, 'gone'), await put(who('alice'), free, 'stays')]
    const fail = (error: unknown) => expect(error).toBeUndefined()
    world.time.now += 29 * DAY_MS
    expect((await files.tidy(world.time.now, fail)).expired).toBe(0)
    world.time.now += 2 * DAY_MS
    expect((await files.tidy(world.time.now, fail)).expired).toBe(1)
    expect(await files.find(APP, gone.id)).toBeUndefined()
    expect(await files.find(APP, stays.id)).toMatchObject({ state: 'complete' })
  })
})

test('the server that people start has them: nobody writes into a conversation that is not there', async () => {
  const server = await startTestServer(ENGINES[0]!)
  await server.admin('POST', '/applications', { id: APP, suite: 'x25519' })
  const client = tusClient(await enrollUser(server, APP, 'ana'), APP)
  const answer = await client.create('AAAAAAAAAAAAAAAAAAAAAA', 10)
  expect(answer.status).toBe(404)
  expect(await answer.json()).toMatchObject({ code: STRANGER.code, detail: STRANGER.message })
  await server.dispose()
})
