import { backend, KeyhavenError, randomId, utf8 } from '@keyhaven/crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commitBatch } from '../packages/conversations/src/receipt/commitment.ts'
import { recipientsSchema, shareSchema } from '../packages/server/src/conversations/conversation-schemas.ts'
import { createConversationStore } from '../packages/server/src/conversations/conversation-store.ts'
import { eraseSuperseded } from '../packages/server/src/conversations/retention.ts'
import {
  APP,
  announcedKey,
  type Chat,
  createChat,
  memberOf,
  openWorld,
  type Person,
  pinOf,
  shareOf,
  type World,
} from '../packages/server/test/fixtures/conversation-people.ts'
import { ENGINES } from './kit/engines.ts'

const PAGE = { after: { at: 0, key: '', device: '' }, limit: 10 }

const DAY_MS = 86_400_000

/** What members, former ones and strangers try against an honest key server. */
describe.each(ENGINES)('attacks on the conversations of a server on $name', (engine) => {
  let world: World
  let alice: Person
  let bob: Person
  let mallory: Person
  beforeAll(async () => {
    world = await openWorld(engine)
    alice = await world.enroll('alice')
    bob = await world.enroll('bob')
    mallory = await world.enroll('mallory')
  })
  afterAll(() => world?.dispose())

  const release = (person: Person, key: string) => world.service.release(APP, person, key)
  const share = async (by: Person, to: Person, chat: Chat) =>
    world.service.share(APP, by, announcedKey(chat).id, await shareOf(world, by, to, announcedKey(chat)))

  test('nobody puts a useless share in front of the key that its maker wrapped', async () => {
    const chat = await createChat(world, [alice, bob, mallory], { mode: 'sealed' })
    const { id } = announcedKey(chat)
    await expect(share(mallory, bob, chat)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await release(bob, id)).toMatchObject({ proof: { proof: expect.any(Array) } })
  })

  test('whoever answered with a useless share does not answer again: another member does', async () => {
    const chat = await createChat(world, [alice, bob, mallory], { mode: 'sealed' })
    const { id } = announcedKey(chat)
    const phone = await world.addDevice(bob)
    await world.service.requestKey(APP, phone, id)
    await share(mallory, phone, chat)
    await world.service.requestKey(APP, phone, id)
    await expect(share(mallory, phone, chat)).rejects.toMatchObject({ code: 'CONFLICT' })
    await share(alice, phone, chat)
    const { share: given } = (await release(phone, id)) as { share: string }
    const { by } = JSON.parse(Buffer.from(given.split('.')[1]!, 'base64url').toString())
    expect(by.username).toBe('alice')
  })

  test('what a revoked device asked for keeps nobody else waiting', async () => {
    const chat = await createChat(world, [alice, bob], { mode: 'sealed' })
    const { id } = announcedKey(chat)
    const phone = await world.addDevice(bob)
    await world.service.requestKey(APP, phone, id)
    expect(await world.service.answerable(APP, alice, PAGE)).toHaveLength(1)
    const { service } = await world.first.directories.open(APP)
    const revoked = { username: 'bob', device: phone.device, reason: 'stolen' }
    await service.revokeByOperator(revoked, 'token:test')
    world.time.now += 1_000
    expect(await world.service.answerable(APP, alice, PAGE)).toEqual([])
  })

  test('a former member does not see when a conversation goes on without him', async () => {
    const chat = await createChat(world, [alice, bob, mallory])
    await chat.change(alice, { kind: 'remove', username: 'mallory' })
    const before = await ofMallory()
    world.time.now += 60_000
    await chat.change(alice, { kind: 'rules', retention: 7 })
    await chat.change(alice, { kind: 'mode', mode: 'sealed' }, [alice, bob])
    expect(await ofMallory()).toEqual(before)
    expect(before).toMatchObject({ role: null, mode: 'managed', head: '' })

    async function ofMallory() {
      const found = await world.service.list(APP, mallory, { after: '', limit: 100 })
      const { holders, currentKey, mode, sequence } = await world.service.show(APP, mallory, chat.id, {
        after: -1,
      })
      expect({ holders, currentKey, mode, sequence }).toEqual({
        ...{ holders: null, currentKey: null, mode: 'managed', sequence: 1 },
      })
      return found.find(({ conversation }) => conversation === chat.id)!
    }
  })

  test('a key whose last recipients came late is not erased while it is the current one', async () => {
    const chat = await createChat(world, [alice, bob], { mode: 'sealed', retention: 3 })
    const { service, first } = world
    const slow = await chat.upload(alice, [alice, bob])
    const [own, other] = slow.recipients
    const begun = await service.rotate(APP, alice, chat.id, { ...slow, recipients: [own!] })
    expect(begun).toMatchObject({ complete: false })
    await service.rotate(APP, bob, chat.id, await chat.upload(bob, [alice, bob]))
    expect(await service.addRecipients(APP, alice, begun.id, [other!])).toEqual({ complete: true })
    const show = () => service.show(APP, alice, chat.id, { after: -1 })
    expect(await show()).toMatchObject({ currentKey: begun.id })
    await first.conversations.prune(world.time.now + 4 * DAY_MS)
    expect(await release(bob, begun.id)).toMatchObject({ id: begun.id })
  })

  test('an erased key is gone from the object store, or it is tried again', async () => {
    const chat = await createChat(world, [alice, bob], { retention: 3 })
    const { id } = chat.key!
    const { state } = world.first
    const inObjects = { wrapped_key: null, stored_in: 'objects' }
    await state.db.updateTable('conversation_keys').set(inObjects).where('id', '=', id).execute()
    await world.service.rotate(APP, alice, chat.id)
    const deleted: string[] = []
    let broken = true
    const objects = async () => ({
      put: () => Promise.reject(new Error('not asked for')),
      get: async () => undefined,
      delete: async (name: string) => {
        if (broken) throw new Error('the store is away')
        deleted.push(name)
      },
    })
    const erase = () => eraseSuperseded(state, world.time.now + 4 * DAY_MS, objects)
    await expect(erase()).rejects.toThrow('the store is away')
    broken = false
    await erase()
    expect(deleted).toEqual([`keys/${APP}/${chat.id}/${id}`])
    await erase()
    expect(deleted).toHaveLength(1)
    await expect(release(bob, id)).rejects.toMatchObject({ reason: 'erased' })
  })

  test('what is committed is not done again because the log’s files could not follow', async () => {
    const { state, directories } = world.first
    const { keys } = await directories.open(APP)
    const broken = {
      ...directories,
      log: {
        ...directories.log,
        files: {
          ...directories.log.files,
          catchUp: async () => {
            throw new KeyhavenError('LOG_INCONSISTENT', 'a file of the log is not as it was')
          },
        },
      },
    }
    const store = createConversationStore({ state, directories: broken, logKeys: () => keys })
    const { leaf } = await commitBatch(backend, [utf8('an item')])
    const indexes: number[] = []
    const work = store.transaction(async (tx) => indexes.push(await tx.appendLeaf(APP, leaf)))
    // The one code that a group commit takes for the fate of all, and does not try again in halves.
    await expect(work).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await directories.log.files.catchUp(APP)
    const { size } = await directories.log.checkpoint(APP, indexes[0]! + 1)
    expect(size).toBeGreaterThan(indexes[0]!)
  })

  test('no text reaches the database that it cannot hold, and fails the calls of others with it', async () => {
    const { share: text } = await shareOf(world, alice, bob, {
      ...{ id: randomId(backend, 16), conversation: randomId(backend, 16) },
      commitment: 'A'.repeat(43),
    })
    const { username, device, thumbprint } = bob
    for (const wrapped of ['\u0000', 'AA\u0000', '\ud800', 'AA=', 'A A', '']) {
      expect(shareSchema.safeParse({ share: text, wrapped }).success).toBe(false)
      expect(recipientsSchema.safeParse([{ username, device, thumbprint, wrapped }]).success).toBe(false)
    }
    expect(shareSchema.safeParse({ share: text, wrapped: 'AAAA' }).success).toBe(true)
    expect(recipientsSchema.safeParse([{ username, device, thumbprint, wrapped: 'A-_9' }]).success).toBe(true)
  })

  test('an admin makes nobody an owner or admin, not himself and not by a new chain', async () => {
    const carol = await world.enroll('carol-admin')
    const chat = await createChat(world, [alice, bob, mallory])
    await chat.change(alice, { kind: 'role', username: 'mallory', role: 'admin' })
    const denied = { code: 'ACCESS_DENIED' }
    const attempt = (change: Parameters<Chat['change']>[1]) => chat.change(mallory, change)
    await expect(attempt({ kind: 'role', username: 'mallory', role: 'owner' })).rejects.toMatchObject(denied)
    await expect(attempt({ kind: 'role', username: 'bob', role: 'admin' })).rejects.toMatchObject(denied)
    await expect(attempt({ kind: 'role', username: 'alice', role: 'reader' })).rejects.toMatchObject(denied)
    await expect(attempt({ kind: 'remove', username: 'alice' })).rejects.toMatchObject(denied)
    await expect(attempt({ kind: 'mode', mode: 'sealed' })).rejects.toMatchObject(denied)
    const owner = await memberOf(world.first, carol, 'owner')
    await expect(attempt({ kind: 'add', members: [owner] })).rejects.toMatchObject(denied)
    const accepted = await pinOf(world.first, 'alice')
    await expect(attempt({ kind: 'accept-chain', username: 'alice', accepted })).rejects.toMatchObject(denied)
    expect(await world.service.show(APP, alice, chat.id, { after: -1 })).toMatchObject({ sequence: 1 })
  })

  test('an admin signs no new chain in for an owner who was reset: an owner does', async () => {
    const dora = await world.enroll('dora-owner')
    const chat = await createChat(world, [alice, dora, mallory])
    await chat.change(alice, { kind: 'role', username: 'dora-owner', role: 'owner' })
    await chat.change(alice, { kind: 'role', username: 'mallory', role: 'admin' })
    const { service: directory } = await world.first.directories.open(APP)
    await directory.reset({ username: 'dora-owner', reason: 'lost all' }, 'token:test')
    world.time.now += 2_000
    const again = await world.enroll('dora-owner')
    const accepted = await pinOf(world.first, 'dora-owner')
    const accept = (by: Person) => chat.change(by, { kind: 'accept-chain', username: 'dora-owner', accepted })
    await expect(accept(mallory)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    await expect(release(again, chat.key!.id)).rejects.toMatchObject({ reason: 'reset' })
    await accept(alice)
    expect(await release(again, chat.key!.id)).toMatchObject({ id: chat.key!.id })
  })
})
