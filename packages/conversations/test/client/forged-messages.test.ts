import { toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { beforeEach, expect, test } from 'vitest'
import { MAX_MISSES } from '../../src/client/misses.ts'
import { newMessageId } from '../../src/index.ts'
import { forgedMessage } from './kit/forgeries.ts'
import { codeOf, createPair, type Pair, type TestDevice, type World } from './kit/world.ts'

const MINUTE = 60
let world: World
let anna: TestDevice
let ben: TestDevice
let chatOf: Pair['chatOf']

beforeEach(async () => {
  ;({ world, anna, ben, chatOf } = await createPair())
})

test('a sender outside, a reader, a removed one, another name, another time: refused', async () => {
  const carl = await world.device('carl')
  const mallory = await world.device('mallory')
  const chat = await chatOf({ mode: 'managed', members: { ben: 'member', carl: 'reader' } })
  const { keyId } = await chat.encrypt('hello')
  const read = async (packet: Uint8Array) => codeOf(anna.conversations.decrypt(keyId, packet))
  expect(await read(await forgedMessage(world, ben, keyId, {}))).toBe('done')
  expect(await read(await forgedMessage(world, mallory, keyId, {}))).toBe('ACCESS_DENIED')
  expect(await read(await forgedMessage(world, ben, keyId, {}, mallory.keys.signingKey))).toBe(
    'SIGNATURE_INVALID',
  )
  expect(await read(await forgedMessage(world, carl, keyId, {}))).toBe('ACCESS_DENIED')
  expect(await read(await forgedMessage(world, ben, keyId, { username: 'anna' }))).toBe('SIGNATURE_INVALID')
  expect(await read(await forgedMessage(world, ben, keyId, { device: anna.keys.device }))).toBe(
    'SIGNATURE_INVALID',
  )
  expect(await read(await forgedMessage(world, ben, keyId, { time: world.clock() + 3_600_000 }))).toBe(
    'CLOCK_SKEW',
  )
  expect(await read(await forgedMessage(world, ben, keyId, { time: 1_000_000 }))).toBe('SIGNATURE_INVALID')
  const packet = await forgedMessage(world, ben, keyId, {})
  packet[40]! ^= 1
  expect(await read(packet)).toBe('OPEN_FAILED')
  await chat.remove('ben')
  world.clock.advance(60 * MINUTE)
  expect(await read(await forgedMessage(world, ben, keyId, {}))).toBe('ACCESS_DENIED')
})

test('a message under the key of another membership than it names, or of one that nobody shows', async () => {
  const chat = await chatOf({ mode: 'managed' })
  const first = chat.head
  await chat.setRole('ben', 'admin')
  const { keyId } = await chat.encrypt('hello')
  const read = async (packet: Uint8Array) => codeOf(anna.conversations.decrypt(keyId, packet))
  expect(await read(await forgedMessage(world, ben, keyId, { membership: first }))).toBe('RECORD_INVALID')
  expect(chat.forked).toBe(false)
  const head = toBase64url(nodeBackend.randomBytes(32))
  const mallory = await world.device('mallory')
  expect(await read(await forgedMessage(world, mallory, keyId, { membership: { sequence: 9, head } }))).toBe(
    'ACCESS_DENIED',
  )
  expect(chat.forked).toBe(false)
  expect(await read(await forgedMessage(world, ben, keyId, { membership: { sequence: 9, head } }))).toBe(
    'MEMBERSHIP_FORKED',
  )
  expect(chat.forked).toBe(true)
})

test('a second message with the same id is none, in the archive neither', async () => {
  const chat = await chatOf({ mode: 'managed' })
  const { keyId } = await chat.encrypt('hello')
  const id = newMessageId(nodeBackend)
  const one = await forgedMessage(world, ben, keyId, { id })
  const other = await forgedMessage(world, ben, keyId, { id, content: new Uint8Array([66]) })
  expect(await codeOf(anna.conversations.decrypt(keyId, one))).toBe('done')
  expect(await codeOf(anna.conversations.decrypt(keyId, one, { archive: true }))).toBe('done')
  expect(await codeOf(anna.conversations.decrypt(keyId, other, { archive: true }))).toBe('DUPLICATE')
})

test('a sender whose device was revoked: what it sent before counts, nothing later', async () => {
  const phone = await world.device('ben', ben)
  const chat = await chatOf({ mode: 'managed' })
  const { keyId } = await chat.encrypt('hello')
  expect(await codeOf(anna.conversations.decrypt(keyId, await forgedMessage(world, phone, keyId, {})))).toBe(
    'done',
  )
  const before = await forgedMessage(world, phone, keyId, {})
  world.clock.advance(MINUTE)
  await world.directory.revokeByOperator('ben', phone.keys.device)
  world.clock.advance(30 * MINUTE)
  expect(await codeOf(anna.conversations.decrypt(keyId, await forgedMessage(world, phone, keyId, {})))).toBe(
    'SENDER_REVOKED',
  )
  expect(await codeOf(anna.conversations.decrypt(keyId, before))).toBe('done')
})

test('what is no packet costs no call, whatever key it names', async () => {
  await chatOf({ mode: 'managed' })
  world.server.calls.length = 0
  const open = (packet: Uint8Array) =>
    codeOf(anna.conversations.decrypt(toBase64url(new Uint8Array(16)), packet))
  expect(await open(new Uint8Array(200_754).fill(1))).toBe('WIRE_TOO_LARGE')
  expect(await open(new Uint8Array(300).fill(2))).toBe('WIRE_MALFORMED')
  expect(await open(new Uint8Array(48).fill(1))).toBe('WIRE_MALFORMED')
  expect(world.server.calls).toEqual([])
})

test('devices and heads that a member invents cost so many calls a minute, and no message of others', async () => {
  const carl = await world.device('carl')
  const chat = await chatOf({ mode: 'managed', members: { ben: 'member', carl: 'reader' } })
  const bens = await (await ben.conversations.open(chat.id)).encrypt('true')
  await anna.conversations.decrypt(bens.keyId, bens.packet)
  const invented = () => ({ device: toBase64url(nodeBackend.randomBytes(16)) })
  const head = () => ({ membership: { sequence: 9, head: toBase64url(nodeBackend.randomBytes(32)) } })
  for (const [over, code] of [
    [invented, 'SIGNATURE_INVALID'],
    [head, 'ACCESS_DENIED'],
  ] as const) {
    const open = async () =>
      codeOf(
        anna.conversations.decrypt(bens.keyId, await forgedMessage(world, carl, bens.keyId, over()), {
          from: 'carl',
        }),
      )
    for (let n = 0; n < MAX_MISSES; n++) expect(await open()).toBe(code)
    world.server.calls.length = 0
    expect(await open()).toBe('RATE_LIMITED')
    expect(world.server.calls).toEqual([])
    const { packet } = await (await ben.conversations.open(chat.id)).encrypt('more')
    expect(await anna.conversations.decrypt(bens.keyId, packet, { from: 'ben' })).toMatchObject({
      text: 'more',
    })
    world.clock.advance(MINUTE)
    expect(await open()).toBe(code)
    world.clock.advance(MINUTE)
  }
})
