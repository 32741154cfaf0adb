import { toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { beforeEach, expect, test } from 'vitest'
import { newMessageId } from '../../src/index.ts'
import { forgedMessage } from '../client/kit/forgeries.ts'
import { codeOf, createWorld, type TestDevice, type World } from '../client/kit/world.ts'

const MINUTE = 60
let world: World
let anna: TestDevice
let ben: TestDevice
let mallory: TestDevice

beforeEach(async () => {
  world = await createWorld()
  anna = await world.device('anna')
  ben = await world.device('ben')
  mallory = await world.device('mallory')
})

function chatOf(mode: 'managed' | 'sealed' = 'managed', role: 'member' | 'reader' = 'member') {
  return anna.conversations.create({ mode, members: { ben: 'member', mallory: role } })
}

test('one who may not write cannot end everybody’s sending with a head that he made up', async () => {
  const chat = await chatOf()
  const { keyId } = await chat.encrypt('hello')
  const head = toBase64url(nodeBackend.randomBytes(32))
  const { sequence } = chat.head
  const claims = [
    { sequence, head },
    { sequence: 60_000, head },
  ]
  await chat.setRole('mallory', 'reader')
  for (const membership of claims) {
    const packet = await forgedMessage(world, mallory, keyId, { membership })
    expect(await codeOf(anna.conversations.decrypt(keyId, packet))).toBe('ACCESS_DENIED')
  }
  await chat.remove('mallory')
  for (const membership of claims) {
    const packet = await forgedMessage(world, mallory, keyId, { membership })
    expect(await codeOf(anna.conversations.decrypt(keyId, packet))).toBe('ACCESS_DENIED')
  }
  expect(chat.forked).toBe(false)
  expect(await codeOf(chat.encrypt('we go on'))).toBe('done')
})

test('who became a reader writes no more under the key of before', async () => {
  const chat = await chatOf()
  const { keyId } = await chat.encrypt('hello')
  const before = await forgedMessage(world, mallory, keyId)
  world.clock.advance(MINUTE)
  await chat.setRole('mallory', 'reader')
  world.clock.advance(30 * MINUTE)
  const late = await forgedMessage(world, mallory, keyId)
  const refused = await anna.conversations.decrypt(keyId, late).catch((error) => error)
  expect(refused).toMatchObject({ code: 'ACCESS_DENIED', reason: 'role' })
  // What was written before and came late counts.
  expect(await codeOf(anna.conversations.decrypt(keyId, before))).toBe('done')
})

test('a stolen device that was revoked dates nothing back under a key that was made since', async () => {
  const phone = await world.device('ben', ben)
  const chat = await chatOf()
  await chat.encrypt('hello')
  const time = world.clock()
  world.clock.advance(MINUTE)
  await world.directory.revokeByOperator('ben', phone.keys.device)
  world.clock.advance(30 * MINUTE)
  // Somebody hands it the keys that are made from now on: one without, one with a change of the membership.
  const rotated = await chat.rotate()
  const forged = async (keyId: string) =>
    codeOf(anna.conversations.decrypt(keyId, await forgedMessage(world, phone, keyId, { time })))
  expect(await forged(rotated)).toBe('RECORD_INVALID')
  await chat.setRole('ben', 'admin')
  expect(await forged((await chat.encrypt('hello')).keyId)).toBe('RECORD_INVALID')
})

test('a removal that the server hides from a sender shows at those who know of it', async () => {
  const chat = await chatOf('sealed')
  const theirs = await ben.conversations.open(chat.id)
  const before = await theirs.encrypt('with mallory')
  const { sequence, head } = chat.head
  await chat.remove('mallory')
  world.server.lie = (method, path, answer, caller) => {
    if (caller !== 'ben' || method !== 'GET' || !path.startsWith(`/v1/conversations/${chat.id}`))
      return answer
    return { ...answer, entries: [], sequence, head, currentKey: before.keyId, nextAfter: null }
  }
  world.clock.advance(20 * MINUTE)
  const held = await theirs.encrypt('mallory can still read this')
  expect(held.keyId).toBe(before.keyId)
  expect(await codeOf(anna.conversations.decrypt(held.keyId, held.packet))).toBe('DIRECTORY_STALE')
})

test('a useless share is asked for again, from somebody else', async () => {
  const chat = await chatOf('sealed')
  const { keyId, packet } = await chat.encrypt('hello')
  world.clock.advance(MINUTE)
  const phone = await world.device('ben', ben)
  expect(await codeOf(phone.conversations.decrypt(keyId, packet))).toBe('KEY_PENDING')
  expect(await anna.conversations.answerKeyRequests()).toBe(1)
  const stored = world.server.keys.get(keyId)!
  const share = stored.shares.get(phone.keys.device)!
  stored.shares.set(phone.keys.device, { ...share, wrapped: toBase64url(nodeBackend.randomBytes(80)) })
  expect(await codeOf(phone.conversations.decrypt(keyId, packet))).toBe('OPEN_FAILED')
  expect(stored.requests.size).toBe(1)
  expect(await anna.conversations.answerKeyRequests()).toBe(1)
  expect(await phone.conversations.decrypt(keyId, packet)).toMatchObject({ text: 'hello' })
})

test('requests that nobody can answer do not keep the others waiting for ever', async () => {
  const chat = await chatOf('sealed')
  const { keyId, packet } = await chat.encrypt('hello')
  world.clock.advance(MINUTE)
  const phone = await world.device('ben', ben)
  expect(await codeOf(phone.conversations.decrypt(keyId, packet))).toBe('KEY_PENDING')
  const device = newMessageId(nodeBackend)
  const useless = { key: keyId, conversation: chat.id, username: 'mallory', device }
  world.server.lie = (_, path, answer) => {
    if (!path.startsWith('/v1/key-requests')) return answer
    const page = Number(new URLSearchParams(path.split('?')[1] ?? '').get('after') ?? 0)
    if (page === 12) return answer
    return { items: new Array(100).fill(useless), nextCursor: String(page + 1) }
  }
  let shared = 0
  for (let turn = 0; turn < 3; turn++) shared += await anna.conversations.answerKeyRequests()
  expect(shared).toBe(1)
})

test('a stranger does not use up the calls of this device with ids of keys that are nowhere', async () => {
  const chat = await chatOf()
  const { keyId, packet } = await chat.encrypt('hello')
  world.server.calls = []
  for (let at = 0; at < 200; at++) {
    const id = newMessageId(nodeBackend)
    expect(await codeOf(ben.conversations.decrypt(id, packet, { from: 'stranger' }))).toBe('NOT_FOUND')
  }
  expect(world.server.calls.length).toBeLessThanOrEqual(20)
  expect(await codeOf(ben.conversations.decrypt(keyId, packet, { from: 'anna' }))).toBe('done')
  world.clock.advance(2 * MINUTE)
  world.server.calls = []
  await codeOf(ben.conversations.decrypt(newMessageId(nodeBackend), packet, { from: 'stranger' }))
  expect(world.server.calls).toHaveLength(1)
})
