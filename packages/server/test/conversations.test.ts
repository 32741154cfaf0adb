import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import {
  APP,
  announcedKey,
  createChat,
  memberOf,
  openWorld,
  type Person,
  pinOf,
  shareOf,
  verifiedReceipts,
  type World,
} from './fixtures/conversation-people.ts'

const STRANGER = { code: 'NOT_FOUND', message: 'there is no such conversation, key or file' }
const DAY_MS = 86_400_000
const NOBODY = 'AAAAAAAAAAAAAAAAAAAAAA'

describe.each(ENGINES)('conversations on $name', (engine) => {
  let world: World
  let alice: Person
  let bob: Person
  let carol: Person
  let mallory: Person
  beforeAll(async () => {
    world = await openWorld(engine)
    alice = await world.enroll('alice')
    bob = await world.enroll('bob')
    carol = await world.enroll('carol')
    mallory = await world.enroll('mallory')
  })
  afterAll(() => world?.dispose())

  const release = (person: Person, key: string) => world.service.release(APP, person, key)
  const show = (person: Person, id: string, messages?: number) =>
    world.service.show(APP, person, id, { after: -1, ...(messages !== undefined && { messages }) })

  test('a managed conversation gives its key to its members, and to nobody else', async () => {
    const chat = await createChat(world, [alice, bob])
    const made = chat.key!
    expect(made).toMatchObject({ mode: 'managed', conversation: chat.id, createdBy: 'server' })
    const got = await release(bob, made.id)
    expect(got).toMatchObject({ id: made.id, key: (made as { key: string }).key })
    const receipts = await verifiedReceipts(world.first, bob, chat.id)
    expect(receipts.map(({ receipt }) => [receipt.to, receipt.rule])).toEqual([
      [{ username: 'alice', device: alice.device }, 'made'],
      [{ username: 'bob', device: bob.device }, 'member'],
    ])
    expect(receipts[1]!.commitment).toEqual(got.receipt)
  })

  test('a stranger is told the same on every path, whatever there is', async () => {
    const chat = await createChat(world, [alice, bob], { mode: 'sealed' })
    const { id } = chat.key!
    const { service } = world
    const page = { after: -1, limit: 10 }
    const share = await shareOf(world, mallory, bob, {
      ...{ id, conversation: chat.id },
      commitment: Buffer.alloc(32).toString('base64url'),
    })
    const leave = await chat.sign(mallory, { kind: 'remove', username: 'mallory' })
    for (const [conversation, key] of [
      [chat.id, id],
      [NOBODY, NOBODY],
    ] as const) {
      const file = { id: NOBODY, conversation, membership: 0, createdAt: world.time.now }
      const tries = [
        release(mallory, key),
        show(mallory, conversation),
        service.receipts(APP, mallory, conversation, page),
        service.recipients(APP, mallory, key, { after: '', limit: 10 }),
        service.requestKey(APP, mallory, key),
        service.addRecipients(APP, mallory, key, []),
        service.rotate(APP, mallory, conversation),
        service.mayWrite(APP, mallory, conversation),
        service.mayManage(APP, mallory, conversation),
        service.mayReadFile(APP, mallory, file),
        service.recordFileRead(APP, mallory, file),
      ]
      for (const answer of await Promise.allSettled(tries)) {
        expect(answer).toMatchObject({ status: 'rejected', reason: STRANGER })
      }
      expect(await service.releaseMany(APP, mallory, [key])).toEqual({
        keys: [],
        refused: [{ id: key, code: 'NOT_FOUND' }],
      })
    }
    await expect(service.share(APP, mallory, id, share)).rejects.toMatchObject(STRANGER)
    await expect(service.append(APP, mallory, chat.id, { entry: leave })).rejects.toMatchObject(STRANGER)
    expect(await service.list(APP, mallory, { after: '', limit: 10 })).toEqual([])
    expect(
      await service.answerable(APP, mallory, { after: { at: 0, key: '', device: '' }, limit: 9 }),
    ).toEqual([])
  })

  test('another tenant’s member of the same name gets nothing', async () => {
    const { createApplicationService } = await import('../src/applications/application-service.ts')
    await createApplicationService(world.first.state).create({ id: 'other' } as never, 'token:test')
    const other = await world.enroll('alice', { application: 'other' })
    const service = await world.first.conversations.open('other')
    const chat = await createChat(world, [alice, bob])
    await expect(service.release('other', other, chat.key!.id)).rejects.toMatchObject(STRANGER)
    await expect(service.show('other', other, chat.id, { after: -1 })).rejects.toMatchObject(STRANGER)
    // Nor with the own name of one tenant and the device of another.
    await expect(world.service.release(APP, other, chat.key!.id)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    })
  })

  test('a removed member keeps what was made before, and gets nothing made since', async () => {
    const chat = await createChat(world, [alice, bob])
    const before = chat.key!.id
    await chat.change(alice, { kind: 'remove', username: 'bob' })
    const after = chat.key!.id
    expect(after).not.toBe(before)
    expect(await release(bob, before)).toMatchObject({ id: before })
    const denied = { code: 'ACCESS_DENIED', permission: 'conversation:read' }
    await expect(release(bob, after)).rejects.toMatchObject({ ...denied, reason: 'removed' })
    await expect(world.service.rotate(APP, bob, chat.id)).rejects.toMatchObject({ reason: 'not-a-member' })
    await expect(world.service.mayWrite(APP, bob, chat.id)).rejects.toMatchObject({ reason: 'not-a-member' })
    await expect(world.service.receipts(APP, bob, chat.id, { after: -1, limit: 1 })).rejects.toMatchObject({
      reason: 'not-a-member',
    })
    const view = await show(bob, chat.id)
    expect(view).toMatchObject({ sequence: 1, head: chat.head, currentKey: null, rotationDue: null })
    expect(view.entries).toHaveLength(2)
    const many = await world.service.releaseMany(APP, bob, [before, after, NOBODY])
    expect(many.keys.map(({ id }) => id)).toEqual([before])
    expect(many.refused).toEqual([
      { id: after, ...denied, reason: 'removed' },
      { id: NOBODY, code: 'NOT_FOUND' },
    ])
  })

  test('the history rule decides about what was before, for members and for their devices', async () => {
    const chat = await createChat(world, [alice], { history: { members: 'joined', devices: 'joined' } })
    const first = chat.key!.id
    world.time.now += 2_000
    await chat.change(alice, { kind: 'add', members: [await memberOf(world.first, bob, 'reader')] })
    await expect(release(bob, first)).rejects.toMatchObject({ reason: 'joined-later' })
    expect(await release(bob, chat.key!.id)).toMatchObject({ id: chat.key!.id })
    await expect(world.service.rotate(APP, bob, chat.id)).rejects.toMatchObject({ reason: 'role' })
    world.time.now += 2_000
    const tablet = await world.addDevice(alice)
    await expect(release(tablet, first)).rejects.toMatchObject({ reason: 'device-joined-later' })
    expect((await show(alice, chat.id)).rotationDue).toBe('device')
    await world.service.rotate(APP, alice, chat.id)
    expect((await show(alice, chat.id)).rotationDue).toBeNull()
    const { currentKey } = await show(tablet, chat.id)
    expect(await release(tablet, currentKey!)).toMatchObject({ id: currentKey })
  })

  test('a new key is due by age, by messages and at the date of a rule', async () => {
    const date = Math.floor(world.time.now / 1_000) + 60
    const chat = await createChat(world, [alice], {
      history: { members: date, devices: 'all' },
      rotation: { maxAge: 100, maxMessages: 5 },
    })
    expect((await show(alice, chat.id, 4)).rotationDue).toBeNull()
    expect((await show(alice, chat.id, 5)).rotationDue).toBe('messages')
    world.time.now += 61_000
    expect((await show(alice, chat.id)).rotationDue).toBe('rule')
    await world.service.rotate(APP, alice, chat.id)
    expect((await show(alice, chat.id)).rotationDue).toBeNull()
    world.time.now += 100_000
    expect((await show(alice, chat.id)).rotationDue).toBe('age')
  })

  test('a key of the second in which a device left is due: the device may have got it before', async () => {
    const gone = await world.enroll('gone')
    const chat = await createChat(world, [alice, gone])
    const { service: directory } = await world.first.directories.open(APP)
    const revoked = { username: 'gone', device: gone.device, reason: 'lost' }
    await directory.revokeByOperator(revoked, 'token:test')
    expect((await show(alice, chat.id)).rotationDue).toBe('device')
    world.time.now += 1_000
    await world.service.rotate(APP, alice, chat.id)
    expect((await show(alice, chat.id)).rotationDue).toBeNull()
  })

  test('a device that was revoked or a user who was reset gets nothing', async () => {
    const dave = await world.enroll('dave')
    const erin = await world.enroll('erin')
    const chat = await createChat(world, [alice, dave, erin])
    const { service: directory } = await world.first.directories.open(APP)
    await directory.revokeByOperator(
      { username: 'dave', device: dave.device, reason: 'stolen' },
      'token:test',
    )
    await expect(release(dave, chat.key!.id)).rejects.toMatchObject({ code: 'DEVICE_REVOKED' })
    await expect(show(dave, chat.id)).rejects.toMatchObject({ code: 'DEVICE_REVOKED' })
    await directory.reset({ username: 'erin', reason: 'lost all' }, 'token:test')
    world.time.now += 2_000
    const again = await world.enroll('erin')
    await expect(release(erin, chat.key!.id)).rejects.toMatchObject({ code: 'DEVICE_REVOKED' })
    await expect(release(again, chat.key!.id)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      reason: 'reset',
    })
    await expect(show(again, chat.id)).rejects.toMatchObject({ reason: 'reset' })
    const accepted = await pinOf(world.first, 'erin')
    await chat.change(alice, { kind: 'accept-chain', username: 'erin', accepted })
    expect(await release(again, chat.key!.id)).toMatchObject({ id: chat.key!.id })
  })

  test('an expired device gets nothing', async () => {
    const frank = await world.enroll('frank')
    const chat = await createChat(world, [alice, frank])
    await world.first.state.db
      .updateTable('directory_devices')
      .set({ expires_at: world.time.now })
      .where('device', '=', frank.device)
      .execute()
    await expect(release(frank, chat.key!.id)).rejects.toMatchObject({ code: 'KEY_EXPIRED' })
  })

  test('an entry that is not on top says where the conversation is, and one that lies is refused', async () => {
    const chat = await createChat(world, [alice, bob])
    const old = await chat.sign(alice, { kind: 'role', username: 'bob', role: 'reader' })
    await chat.change(alice, { kind: 'role', username: 'bob', role: 'admin' })
    await expect(world.service.append(APP, alice, chat.id, { entry: old })).rejects.toMatchObject({
      ...{ code: 'CONFLICT', sequence: 1, head: chat.head },
    })
    const byBob = await chat.sign(bob, { kind: 'mode', mode: 'sealed' })
    await expect(world.service.append(APP, alice, chat.id, { entry: byBob })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
    await expect(world.service.append(APP, bob, chat.id, { entry: byBob })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
    const wrong = {
      ...(await memberOf(world.first, carol, 'member')),
      head: randomBytes(32).toString('base64url'),
    }
    await expect(chat.change(alice, { kind: 'add', members: [wrong] })).rejects.toMatchObject({
      code: 'RECORD_INVALID',
    })
    const nobody = { ...wrong, username: 'nobody' }
    await expect(chat.change(alice, { kind: 'add', members: [nobody] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(await show(alice, chat.id)).toMatchObject({ sequence: 1, head: chat.head })
  })

  test('a sealed key goes to those it was announced for, and to others when a device shares it', async () => {
    const chat = await createChat(world, [alice, bob], { mode: 'sealed' })
    const key = chat.key!
    expect(key).toMatchObject({ mode: 'sealed', createdBy: { username: 'alice', device: alice.device } })
    expect(await release(bob, key.id)).toMatchObject({ proof: { proof: [expect.any(String)] } })
    const laptop = await world.addDevice(bob)
    await expect(release(laptop, key.id)).rejects.toMatchObject({ code: 'KEY_PENDING' })
    await world.service.requestKey(APP, laptop, key.id)
    const page = { after: { at: 0, key: '', device: '' }, limit: 10 }
    const [request] = await world.service.answerable(APP, alice, page)
    expect(request).toMatchObject({ conversation: chat.id, key: key.id, device: laptop.device })
    const named = announcedKey(chat)
    const foreign = await shareOf(world, alice, mallory, named)
    await expect(world.service.share(APP, alice, key.id, foreign)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
    const share = await shareOf(world, alice, laptop, named)
    await world.service.share(APP, alice, key.id, share)
    expect(await release(laptop, key.id)).toMatchObject({ share: share.share, wrapped: share.wrapped })
    expect(await world.service.answerable(APP, alice, page)).toEqual([])
    await expect(world.service.share(APP, alice, key.id, share)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('a sealed key with many recipients is current once they are all there, as announced', async () => {
    const chat = await createChat(world, [alice, bob, carol], { mode: 'sealed' })
    const first = chat.key!.id
    const upload = await chat.upload(alice, [alice, bob, carol])
    const [one, ...rest] = upload.recipients
    const made = await world.service.rotate(APP, alice, chat.id, { ...upload, recipients: [one!] })
    expect(made).toMatchObject({ complete: false })
    expect(await show(alice, chat.id)).toMatchObject({ currentKey: first, holders: 3 })
    await expect(release(alice, made.id)).rejects.toMatchObject({ code: 'KEY_PENDING' })
    await expect(world.service.addRecipients(APP, bob, made.id, rest)).rejects.toMatchObject({
      reason: 'role',
    })
    const other = { ...rest[1]!, thumbprint: alice.thumbprint }
    await expect(world.service.addRecipients(APP, alice, made.id, [rest[0]!, other])).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    })
    expect(await world.service.addRecipients(APP, alice, made.id, rest)).toEqual({ complete: true })
    expect(await show(alice, chat.id)).toMatchObject({ currentKey: made.id, holders: 3 })
    expect(await release(carol, made.id)).toMatchObject({ id: made.id })
  })

  test('a sealed key is refused for strangers, for an old membership, and from a reader', async () => {
    const chat = await createChat(world, [alice, bob], { mode: 'sealed' })
    const { service } = world
    const withStranger = await chat.upload(alice, [alice, mallory])
    await expect(service.rotate(APP, alice, chat.id, withStranger)).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    })
    await expect(service.rotate(APP, alice, chat.id)).rejects.toMatchObject({ reason: 'mode' })
    const old = await chat.upload(alice, [alice, bob])
    await chat.change(alice, { kind: 'role', username: 'bob', role: 'reader' }, [alice, bob])
    await expect(service.rotate(APP, alice, chat.id, old)).rejects.toMatchObject({ code: 'CONFLICT' })
    const byReader = await chat.upload(bob, [alice, bob])
    await expect(service.rotate(APP, bob, chat.id, byReader)).rejects.toMatchObject({ reason: 'role' })
    await expect(service.rotate(APP, alice, chat.id, byReader)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
  })

  test('the last holder of sealed keys is warned, and may accept the loss', async () => {
    const chat = await createChat(world, [alice, bob], { mode: 'sealed' })
    const alone = await chat.upload(bob, [bob])
    await world.service.rotate(APP, bob, chat.id, alone)
    const leave = { kind: 'remove', username: 'bob' } as const
    await expect(chat.change(bob, leave)).rejects.toMatchObject({ code: 'LAST_HOLDER' })
    expect((await show(alice, chat.id)).sequence).toBe(0)
    await chat.change(bob, leave, undefined, true)
    expect(await show(alice, chat.id)).toMatchObject({ sequence: 1, rotationDue: 'membership' })
  })

  test.each([
    ['joined', false],
    ['all', true],
    ['date before', true],
    ['date after', false],
  ] as const)('the last holder is warned only if somebody who stays might read: %s', async (rule, warned) => {
    const madeAt = Math.floor(world.time.now / 1_000)
    const members = { joined: 'joined', all: 'all', 'date before': madeAt, 'date after': madeAt + 1 } as const
    const chat = await createChat(world, [alice], {
      mode: 'sealed',
      history: { members: members[rule], devices: 'all' },
    })
    world.time.now += 10_000
    const added = await memberOf(world.first, bob, 'owner')
    await chat.change(alice, { kind: 'add', members: [added] }, [alice, bob])
    const leave = chat.change(alice, { kind: 'remove', username: 'alice' })
    if (warned) await expect(leave).rejects.toMatchObject({ code: 'LAST_HOLDER' })
    else await leave
  })

  test('whoever was the only one leaves without a warning: nobody stays', async () => {
    const chat = await createChat(world, [alice], { mode: 'sealed' })
    await chat.change(alice, { kind: 'remove', username: 'alice' })
    expect(chat.sequence).toBe(1)
  })

  test('a change of the mode carries no key over', async () => {
    const chat = await createChat(world, [alice, bob])
    const managed = chat.key!.id
    await chat.change(alice, { kind: 'mode', mode: 'sealed' })
    expect(chat.key).toBeNull()
    expect(await show(alice, chat.id)).toMatchObject({
      mode: 'sealed',
      currentKey: null,
      rotationDue: 'membership',
    })
    expect(await release(bob, managed)).toMatchObject({ id: managed, mode: 'managed' })
    await chat.change(alice, { kind: 'mode', mode: 'managed' })
    expect(chat.key).toMatchObject({ mode: 'managed' })
  })

  test('retention erases a superseded key, and says so', async () => {
    const chat = await createChat(world, [alice, bob], { retention: 3 })
    const old = chat.key!.id
    await world.service.rotate(APP, alice, chat.id)
    const { conversations, state } = world.first
    expect(await conversations.prune(world.time.now + 3 * DAY_MS)).toBe(0)
    expect(await conversations.prune(world.time.now + 3 * DAY_MS + 1)).toBe(1)
    await expect(release(bob, old)).rejects.toMatchObject({ code: 'ACCESS_DENIED', reason: 'erased' })
    const row = await state.db
      .selectFrom('conversation_keys')
      .select(['wrapped_key', 'master_key_id'])
      .where('id', '=', old)
      .executeTakeFirstOrThrow()
    expect(row).toEqual({ wrapped_key: null, master_key_id: null })
  })
})
