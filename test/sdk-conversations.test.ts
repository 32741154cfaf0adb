import { memoryStore } from '@keyhaven/messaging'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from './kit/code-of.ts'
import { ENGINES } from './kit/engines.ts'
import { freePort } from './kit/free-port.ts'
import { createPeople } from './kit/sdk-people.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'

const MARKER = 'MARKER-of-a-conversation-of-two'

describe.each(ENGINES)('conversations with the SDK and a server on $name', (engine) => {
  let server: SdkServer
  const people = createPeople(() => server)
  const { person, secondDevice } = people

  beforeAll(async () => {
    server = await startSdkServer(engine)
  })

  afterAll(async () => {
    await people.close()
    await server?.dispose()
  })

  test.each(['sealed', 'managed'] as const)('two people, three devices, %s', async (mode) => {
    const anna = await person('anna')
    const ben = await person('ben')
    const phone = await secondDevice(ben)
    const chat = await anna.conversations.create({ members: { [ben.username]: 'member' }, mode })
    const { keyId, packet, id, leftOut } = await chat.encrypt(MARKER)
    expect(leftOut).toEqual([])
    for (const me of [ben, phone]) {
      const message = await me.conversations.decrypt(keyId, packet, { from: anna.username })
      expect(message).toMatchObject({ text: MARKER, kind: 'text', id, conversation: chat.id })
      expect(message.from).toEqual({ username: anna.username, device: anna.device })
      expect(await codeOf(me.conversations.decrypt(keyId, packet))).toBe('DUPLICATE')
      expect(await me.conversations.decrypt(keyId, packet, { archive: true })).toMatchObject({ id })
      expect(await codeOf(me.conversations.decrypt(keyId, packet, { from: 'mallory', archive: true }))).toBe(
        'SIGNATURE_INVALID',
      )
    }
    const opened = await phone.conversations.open(chat.id)
    expect(opened.mode).toBe(mode)
    expect(opened.me()).toBe('member')
    const answer = await opened.encrypt(new Uint8Array([1, 2, 3]))
    expect(answer.keyId).toBe(keyId)
    for (const me of [anna, ben]) {
      expect(await me.conversations.decrypt(answer.keyId, answer.packet)).toMatchObject({
        kind: 'bytes',
        bytes: new Uint8Array([1, 2, 3]),
      })
    }
    // The objectid changes at will.
    const rotated = await opened.rotate()
    expect(rotated).not.toBe(keyId)
    const next = await opened.encrypt('under the next key')
    expect(next.keyId).toBe(rotated)
    expect(await anna.conversations.decrypt(next.keyId, next.packet)).toMatchObject({ kind: 'text' })
    const listed = []
    for await (const one of anna.conversations.list()) listed.push(one)
    expect(listed).toMatchObject([{ conversation: chat.id, mode, role: 'owner', verified: true }])
    const receipts = []
    for await (const receipt of chat.receipts()) receipts.push(receipt)
    const devices = new Set(receipts.map(({ to }) => ('device' in to ? to.device : '')))
    expect(devices).toEqual(new Set([anna.device, ben.device, phone.device]))
    const changes = []
    for await (const change of chat.changes()) changes.push(change.change.kind)
    expect(changes).toEqual(['create'])
  })

  test('a stranger learns nothing, a removed member nothing new', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const carl = await person('carl')
    const chat = await anna.conversations.create({ members: { [ben.username]: 'member' } })
    const before = await chat.encrypt('while ben is in')
    expect(await codeOf(carl.conversations.decrypt(before.keyId, before.packet))).toBe('NOT_FOUND')
    expect(await codeOf(carl.conversations.open(chat.id))).toBe('NOT_FOUND')
    await ben.conversations.decrypt(before.keyId, before.packet)
    await chat.remove(ben.username, { reason: 'left the company' })
    const after = await chat.encrypt('after ben was removed')
    expect(after.keyId).not.toBe(before.keyId)
    expect(await codeOf(ben.conversations.decrypt(after.keyId, after.packet))).toBe('ACCESS_DENIED')
    expect(await ben.conversations.decrypt(before.keyId, before.packet, { archive: true })).toMatchObject({
      text: 'while ben is in',
    })
    const theirs = await ben.conversations.open(chat.id)
    await theirs.refresh()
    expect(theirs.me()).toBeUndefined()
    expect(await codeOf(theirs.encrypt('still here'))).toBe('ACCESS_DENIED')
    await chat.add({ [carl.username]: 'member' })
    expect(chat.members().map(({ username }) => username)).toEqual([anna.username, carl.username])
    expect(await codeOf(carl.conversations.decrypt(after.keyId, after.packet))).toBe('ACCESS_DENIED')
  })

  test('a new device reads what was before, once another one has handed the keys on', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const chat = await anna.conversations.create({ members: { [ben.username]: 'member' } })
    const sent = await chat.encrypt('before the phone')
    await ben.conversations.decrypt(sent.keyId, sent.packet)
    const phone = await secondDevice(ben)
    expect(await codeOf(phone.conversations.decrypt(sent.keyId, sent.packet))).toBe('KEY_PENDING')
    await ben.upkeep()
    expect(await phone.conversations.decrypt(sent.keyId, sent.packet)).toMatchObject({
      text: 'before the phone',
    })
    expect(await anna.conversations.answerKeyRequests()).toBe(0)
  })

  test('the first message between two people', async () => {
    const [anna, ben] = [await person('anna'), await person('ben')]
    const chat = await anna.conversations.create({ members: { [ben.username]: 'member' } })
    const { keyId, packet } = await chat.encrypt('Hello Ben')
    const { text, from } = await ben.conversations.decrypt(keyId, packet)
    expect([text, from.username]).toEqual(['Hello Ben', anna.username])
  })

  test('a device that is started without a network reads what it has the key of', async () => {
    const anna = await person('anna')
    const store = memoryStore()
    const ben = await person('ben', { store })
    const chat = await anna.conversations.create({ members: { [ben.username]: 'member' } })
    const first = await chat.encrypt('first')
    const second = await chat.encrypt('second')
    await ben.conversations.decrypt(first.keyId, first.packet)
    await ben.close()
    const offline = server.connect({ url: `http://127.0.0.1:${await freePort()}` })
    const again = people.kept((await offline.resume({ store, onError: () => {} }))!)
    expect(await again.conversations.decrypt(second.keyId, second.packet)).toMatchObject({ text: 'second' })
    const read = again.conversations.decrypt(first.keyId, first.packet, { archive: true })
    expect(await read).toMatchObject({ text: 'first' })
    expect(await codeOf(again.conversations.decrypt(first.keyId, first.packet))).toBe('DUPLICATE')
    const opened = await again.conversations.open(chat.id)
    expect(opened.members()).toHaveLength(2)
    const { keyId, packet } = await chat.rotate().then(() => chat.encrypt('under a key that ben has not'))
    const calls = {
      decrypt: () => again.conversations.decrypt(keyId, packet),
      encrypt: () => opened.encrypt('no network'),
      create: () => again.conversations.create({ members: { [anna.username]: 'member' } }),
      add: () => opened.add({ carl: 'member' }),
      rotate: () => opened.rotate(),
      list: async () => {
        for await (const _ of again.conversations.list());
      },
      receipts: async () => {
        for await (const _ of opened.receipts());
      },
      answerKeyRequests: () => again.conversations.answerKeyRequests(),
    }
    for (const [name, call] of Object.entries(calls)) {
      const error = await call().then(
        () => 'done',
        (reason) => reason,
      )
      expect(error, name).toMatchObject({
        code: 'GATEWAY_UNAVAILABLE',
        message: 'the key server does not answer: check the network, then try again',
        cause: expect.objectContaining({ cause: expect.any(TypeError) }),
      })
    }
  })

  test('many messages at once, each under a key of its own, and one that is not for this reader', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const chat = await anna.conversations.create({ members: { [ben.username]: 'member' }, mode: 'managed' })
    const sent = []
    for (let at = 0; at < 12; at++) {
      await chat.rotate()
      sent.push(await chat.encrypt(`message ${at}`))
    }
    await chat.remove(ben.username)
    sent.push(await chat.encrypt('without ben'))
    const read = sent.map(({ keyId, packet }) => ben.conversations.decrypt(keyId, packet))
    const outcomes = await Promise.allSettled(read)
    expect(outcomes.slice(0, 12)).toMatchObject(
      Array.from({ length: 12 }, (_, at) => ({ value: { text: `message ${at}` } })),
    )
    expect(outcomes[12]).toMatchObject({
      reason: { code: 'ACCESS_DENIED', permission: 'conversation:read', reason: 'removed' },
    })
  })

  test('the last holder of a key does not leave unawares', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const chat = await anna.conversations.create({ members: { [ben.username]: 'owner' } })
    const history = { members: 'all', devices: 'all' } as const
    const carl = await person('carl')
    await chat.remove(ben.username)
    await chat.add({ [carl.username]: 'owner' }, { history })
    expect(await codeOf(chat.leave())).toBe('LAST_HOLDER')
    expect(chat.me()).toBe('owner')
    await chat.leave({ acceptLoss: true })
    expect(chat.me()).toBeUndefined()
  })

  test('who alone holds some keys can still be removed, by whoever accepts that they are lost', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const chat = await ben.conversations.create({ members: {} })
    await chat.encrypt('before anna came')
    await chat.add({ [anna.username]: 'owner' }, { history: { members: 'all', devices: 'all' } })
    const theirs = await anna.conversations.open(chat.id)
    expect(await codeOf(theirs.remove(ben.username, { reason: 'left' }))).toBe('LAST_HOLDER')
    await theirs.remove(ben.username, { reason: 'left', acceptLoss: true })
    expect(theirs.members().map(({ username }) => username)).toEqual([anna.username])
  })

  test('somebody who lost all devices comes back when an owner accepts the new chain', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const chat = await anna.conversations.create({ members: { [ben.username]: 'member' } })
    await chat.encrypt('before')
    const user = encodeURIComponent(ben.username)
    const reset = await server.operator('POST', `/users/${user}/reset`, { reason: 'lost the phone' })
    expect(reset.status).toBe(200)
    const again = people.kept(await server.enroll(ben.username))
    await chat.rotate()
    const { keyId, packet, leftOut } = await chat.encrypt('is it you?')
    expect(leftOut).toMatchObject([{ username: ben.username, code: 'CHAIN_RESET' }])
    expect(await codeOf(again.conversations.decrypt(keyId, packet))).toBe('ACCESS_DENIED')
    await chat.acceptChain(ben.username)
    const accepted = await chat.encrypt('welcome back')
    expect(accepted.leftOut).toEqual([])
    expect(await again.conversations.decrypt(accepted.keyId, accepted.packet)).toMatchObject({
      text: 'welcome back',
    })
  })
})
