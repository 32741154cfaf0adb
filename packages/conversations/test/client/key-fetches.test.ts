import { beforeEach, expect, test } from 'vitest'
import { codeOf, createWorld, type TestDevice, type World } from './kit/world.ts'

let world: World
let anna: TestDevice
let ben: TestDevice

beforeEach(async () => {
  world = await createWorld()
  anna = await world.device('anna')
  ben = await world.device('ben')
})

/** Messages of anna's to ben, each under a key of its own. */
async function messagesOf(count: number) {
  const chat = await anna.conversations.create({ members: { ben: 'member' }, mode: 'managed' })
  const sent = []
  for (let at = 0; at < count; at++) {
    if (at > 0) await chat.rotate()
    sent.push({ text: `message ${at}`, ...(await chat.encrypt(`message ${at}`)) })
  }
  return { chat, sent }
}

const keyCalls = () => world.server.calls.filter((call) => / \/v1\/keys(\/|$)/.test(call))

test('messages of one page ask for their keys in one call, a single message for its own', async () => {
  const { sent } = await messagesOf(12)
  world.server.calls = []
  const read = await Promise.all(
    [...sent, ...sent].map(({ keyId, packet }) =>
      ben.conversations.decrypt(keyId, packet, { archive: true }),
    ),
  )
  expect(read.map(({ text }) => text)).toEqual([...sent, ...sent].map(({ text }) => text))
  expect(keyCalls()).toEqual(['POST /v1/keys'])
  const [first] = (await messagesOf(1)).sent
  world.server.calls = []
  await ben.conversations.decrypt(first!.keyId, first!.packet)
  expect(keyCalls()).toEqual([`GET /v1/keys/${first!.keyId}`])
})

test('more keys than one call may name take two calls', async () => {
  const { sent } = await messagesOf(101)
  world.server.calls = []
  const read = sent.map(({ keyId, packet }) => ben.conversations.decrypt(keyId, packet))
  expect(new Set((await Promise.all(read)).map(({ text }) => text)).size).toBe(101)
  expect(keyCalls()).toEqual(['POST /v1/keys', `GET /v1/keys/${sent[100]!.keyId}`])
})

test('each of many keys is refused for itself, with the reason', async () => {
  const { chat, sent } = await messagesOf(2)
  await chat.remove('ben')
  const later = await chat.encrypt('without ben')
  const nowhere = 'AAAAAAAAAAAAAAAAAAAAAA'
  const read = [sent[0]!, later, { ...later, keyId: nowhere }, sent[1]!].map(({ keyId, packet }) =>
    ben.conversations.decrypt(keyId, packet),
  )
  const outcomes = await Promise.allSettled(read)
  expect(outcomes).toMatchObject([
    { value: { text: 'message 0' } },
    { reason: { code: 'ACCESS_DENIED', permission: 'conversation:read', reason: 'removed' } },
    { reason: { code: 'NOT_FOUND' } },
    { value: { text: 'message 1' } },
  ])
})

test('sealed keys that come later are asked for, one by one', async () => {
  const chat = await anna.conversations.create({ members: { ben: 'member' } })
  const sent = [await chat.encrypt('one')]
  await chat.rotate()
  sent.push(await chat.encrypt('two'))
  const phone = await world.device('ben', ben)
  const codes = await Promise.all(
    sent.map(({ keyId, packet }) => codeOf(phone.conversations.decrypt(keyId, packet))),
  )
  expect(codes).toEqual(['KEY_PENDING', 'KEY_PENDING'])
  expect(await anna.conversations.answerKeyRequests()).toBe(2)
  const read = sent.map(({ keyId, packet }) => phone.conversations.decrypt(keyId, packet))
  expect((await Promise.all(read)).map(({ text }) => text)).toEqual(['one', 'two'])
})

test('an answer in another form, with a refusal made up or a key left out is not believed', async () => {
  const { sent } = await messagesOf(2)
  const codesUnder = (lie: (answer: { keys: unknown[] }) => object) => {
    world.server.lie = (_, path, answer) => (path === '/v1/keys' ? lie(answer as never) : answer)
    return Promise.all(sent.map(({ keyId, packet }) => codeOf(ben.conversations.decrypt(keyId, packet))))
  }
  const malformed = ['WIRE_MALFORMED', 'WIRE_MALFORMED']
  const refused = [{ id: sent[0]!.keyId, code: 'LOG_INCONSISTENT' }]
  expect(await codesUnder(() => ({ keys: null, refused: [] }))).toEqual(malformed)
  expect(await codesUnder(() => ({ keys: [], refused }))).toEqual(malformed)
  expect(await codesUnder(({ keys }) => ({ keys: keys.slice(0, 1), refused: [] }))).toEqual([
    'done',
    'RECORD_INVALID',
  ])
})
