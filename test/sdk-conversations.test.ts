import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from './kit/engines.ts'
import { codeOf, createPeople } from './kit/sdk-people.ts'
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
})
