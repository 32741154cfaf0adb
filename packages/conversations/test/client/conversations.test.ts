import { openDeviceKeys } from '@keyhaven/messaging'
import { beforeEach, expect, test } from 'vitest'
import {
  codeOf,
  createPair,
  createWorld,
  listOf,
  type Pair,
  type TestDevice,
  type World,
} from './kit/world.ts'

const MINUTE = 60
const HOUR = 3_600
let world: World
let anna: TestDevice
let ben: TestDevice
let chatOf: Pair['chatOf']

beforeEach(async () => {
  ;({ world, anna, ben, chatOf } = await createPair())
})

test('everybody is looked up once to create a conversation: look-ups are counted', async () => {
  const world = await createWorld()
  const ana = await world.device('ana')
  const others: Record<string, 'member'> = {}
  for (let at = 0; at < 5; at++) others[(await world.device(`member ${at}`)).username] = 'member'
  const before = world.directory.lookUps
  await ana.conversations.create({ members: others })
  expect(world.directory.lookUps - before).toBe(6)
})

test('known keys open messages without any call, for other tabs, too', async () => {
  const chat = await chatOf()
  const first = await chat.encrypt('first')
  const second = await chat.encrypt('second')
  await ben.conversations.decrypt(first.keyId, first.packet)
  world.server.calls = []
  world.server.offline = true
  const tab = world.again(ben)
  expect(await tab.conversations.decrypt(second.keyId, second.packet)).toMatchObject({ text: 'second' })
  world.clock.advance(30 * 24 * HOUR)
  const later = world.again(ben).conversations
  expect(await later.decrypt(first.keyId, first.packet, { archive: true })).toMatchObject({ text: 'first' })
  expect(world.server.calls).toEqual([])
  expect((await later.open(chat.id)).members()).toHaveLength(2)
  expect(await codeOf((await later.open(chat.id)).encrypt('no network'))).toBe('GATEWAY_UNAVAILABLE')
})

test('the names of conversations and people are not in the store', async () => {
  const chat = await chatOf()
  const { keyId, packet, id } = await chat.encrypt('hello')
  await ben.conversations.decrypt(keyId, packet)
  const names = (await ben.store.list('conversations/')).join('\n')
  for (const name of [chat.id, keyId, id, 'anna', 'ben', anna.keys.device]) expect(names).not.toContain(name)
})

test('a thousand messages in any order, every third twice, in two tabs: each is shown once', async () => {
  const chat = await chatOf()
  const sent = []
  for (let at = 0; at < 1_000; at++) {
    sent.push({ at, ...(await chat.encrypt(`message ${at}`)) })
    if (at % 250 === 249) await chat.rotate()
  }
  const arriving = [...sent, ...sent.filter(({ at }) => at % 3 === 0)]
  for (let at = arriving.length - 1; at > 0; at--) {
    const other = (at * 7_919) % (at + 1)
    ;[arriving[at], arriving[other]] = [arriving[other]!, arriving[at]!]
  }
  const tabs = [ben.conversations, world.again(ben).conversations]
  const codes = await Promise.all(
    arriving.map(({ keyId, packet }, at) =>
      tabs[at % 2]!.decrypt(keyId, packet).then(
        ({ text }) => text,
        ({ code }) => code as string,
      ),
    ),
  )
  const texts = codes.filter((code) => code !== 'DUPLICATE')
  expect(codes).toHaveLength(1_334)
  expect(texts.toSorted()).toEqual(sent.map(({ at }) => `message ${at}`).toSorted())
})

test.each([
  ['RESULT_UNKNOWN', 'sealed'],
  ['RESULT_UNKNOWN', 'managed'],
  ['STORE_UNAVAILABLE', 'sealed'],
  ['STORE_UNAVAILABLE', 'managed'],
] as const)('an answer that is %s is looked up, not repeated: %s', async (lost, mode) => {
  const chat = await chatOf({ mode })
  world.server.loseAnswers = lost
  await world.device('carl')
  await chat.add({ carl: 'reader' })
  const rotated = await chat.rotate()
  world.server.loseAnswers = false
  expect(chat.members().map(({ username }) => username)).toEqual(['anna', 'ben', 'carl'])
  const { keyId, packet } = await chat.encrypt('to three')
  expect(keyId).toBe(rotated)
  expect(world.server.calls.filter((call) => call.endsWith('/entries'))).toHaveLength(1)
  expect(await ben.conversations.decrypt(keyId, packet)).toMatchObject({ text: 'to three' })
})

test('two tabs that change at once both succeed, and know one history', async () => {
  const chat = await chatOf()
  for (const name of ['carl', 'dora']) await world.device(name)
  const tab = await world.again(anna).conversations.open(chat.id)
  await Promise.all([chat.add({ carl: 'member' }), tab.add({ dora: 'member' })])
  await Promise.all([chat.refresh(), tab.refresh()])
  expect(chat.head).toEqual(tab.head)
  expect(chat.members()).toHaveLength(4)
  expect(chat.head.sequence).toBe(2)
})

test('every change brings a new key, and members see it', async () => {
  const chat = await chatOf()
  const { keyId } = await chat.encrypt('one')
  const theirs = await ben.conversations.open(chat.id)
  const keys = new Set([keyId])
  const carl = await world.device('carl')
  const changes = [
    () => chat.add({ carl: 'member' }),
    () => chat.setRole('carl', 'admin'),
    () => chat.setRules({ rotation: { maxAge: HOUR, maxMessages: null } }),
    () => chat.remove('carl'),
    () => chat.setMode('managed'),
    () => chat.setMode('sealed'),
  ]
  for (const change of changes) {
    await change()
    keys.add((await chat.encrypt('next')).keyId)
  }
  expect(keys.size).toBe(changes.length + 1)
  await theirs.refresh()
  const kinds = ben.events.map((event) => (event.type === 'changed' ? event.change.change.kind : event.type))
  expect(kinds).toEqual(['add', 'role', 'rules', 'remove', 'mode', 'mode'])
  expect((await listOf(theirs.changes())).map(({ change }) => change.kind)).toEqual(['create', ...kinds])
  expect(await listOf(theirs.changes(4))).toHaveLength(2)
  expect(carl.events).toEqual([])
})

test('a key is replaced by count, by age, at the date of a rule, and when the server says so', async () => {
  const chat = await chatOf({ rotation: { maxAge: HOUR, maxMessages: 3 } })
  const keyIds = []
  for (let at = 0; at < 7; at++) keyIds.push((await chat.encrypt('x')).keyId)
  expect(new Set(keyIds).size).toBe(3)
  expect(keyIds[2]).toBe(keyIds[0])
  expect(keyIds[3]).not.toBe(keyIds[2])
  world.clock.advance(HOUR)
  const aged = await chat.encrypt('an hour later')
  expect(keyIds).not.toContain(aged.keyId)
  const date = world.directory.now + 10 * MINUTE
  await chat.setRules({
    history: { members: date, devices: 'all' },
    rotation: { maxAge: null, maxMessages: null },
  })
  const before = await chat.encrypt('before the date')
  expect((await chat.encrypt('still before')).keyId).toBe(before.keyId)
  world.clock.advance(11 * MINUTE)
  const after = await chat.encrypt('after the date')
  expect(after.keyId).not.toBe(before.keyId)
  expect((await chat.encrypt('once only')).keyId).toBe(after.keyId)
  world.server.rotationDue = 'device'
  world.clock.advance(2 * MINUTE)
  expect((await chat.encrypt('the server knows')).keyId).not.toBe(after.keyId)
})

test('a device that was revoked ends the key, by the own look-up', async () => {
  const phone = await world.device('ben', ben)
  const chat = await chatOf()
  const before = await chat.encrypt('to three devices')
  expect(await phone.conversations.decrypt(before.keyId, before.packet)).toMatchObject({ kind: 'text' })
  world.clock.advance(MINUTE)
  await world.directory.revokeByOperator('ben', phone.keys.device)
  world.clock.advance(2 * HOUR)
  const after = await chat.encrypt('to two devices')
  expect(after.keyId).not.toBe(before.keyId)
  const holders = await chat.holders(after.keyId)
  expect(holders.map(({ device }) => device).sort()).toEqual([anna.keys.device, ben.keys.device].sort())
  expect(await ben.conversations.decrypt(after.keyId, after.packet)).toMatchObject({ text: 'to two devices' })
})

test('a new device asks for the old keys, and another one hands them on by the rule', async () => {
  const chat = await chatOf({ history: { members: 'joined', devices: 'all' } })
  const old = await chat.encrypt('before the phone')
  await ben.conversations.decrypt(old.keyId, old.packet)
  world.clock.advance(MINUTE)
  const phone = await world.device('ben', ben)
  expect(await codeOf(phone.conversations.decrypt(old.keyId, old.packet))).toBe('KEY_PENDING')
  expect(await ben.conversations.answerKeyRequests()).toBe(1)
  expect(await ben.conversations.answerKeyRequests()).toBe(0)
  expect(await phone.conversations.decrypt(old.keyId, old.packet)).toMatchObject({ text: 'before the phone' })
})

test('a new device is handed the keys at once, however lately its user was looked up', async () => {
  const chat = await chatOf({ history: { members: 'joined', devices: 'all' } })
  const old = await chat.encrypt('before the phone')
  await ben.conversations.decrypt(old.keyId, old.packet)
  const phone = await world.device('ben', ben)
  expect(await codeOf(phone.conversations.decrypt(old.keyId, old.packet))).toBe('KEY_PENDING')
  expect(await anna.conversations.answerKeyRequests()).toBe(1)
  expect(await phone.conversations.decrypt(old.keyId, old.packet)).toMatchObject({ text: 'before the phone' })
})

test('a new device may be kept out of what was before it, and its coming ends the key', async () => {
  const chat = await chatOf({ history: { members: 'joined', devices: 'joined' } })
  const old = await chat.encrypt('before the phone')
  await ben.conversations.decrypt(old.keyId, old.packet)
  world.clock.advance(MINUTE)
  const phone = await world.device('ben', ben)
  const refused = await phone.conversations.decrypt(old.keyId, old.packet).catch((error) => error)
  expect(refused).toMatchObject({ code: 'ACCESS_DENIED', reason: 'device-joined-later' })
  world.clock.advance(HOUR)
  const next = await chat.encrypt('with the phone')
  expect(next.keyId).not.toBe(old.keyId)
  expect(await phone.conversations.decrypt(next.keyId, next.packet)).toMatchObject({ text: 'with the phone' })
})

test('somebody who joins later reads as the rule of the joining says', async () => {
  const chat = await chatOf()
  const old = await chat.encrypt('before carl')
  world.clock.advance(MINUTE)
  const carl = await world.device('carl')
  const dora = await world.device('dora')
  await chat.add({ carl: 'reader' }, { history: { members: 'all', devices: 'all' } })
  await chat.add({ dora: 'member' })
  expect(await codeOf(carl.conversations.decrypt(old.keyId, old.packet))).toBe('KEY_PENDING')
  expect(await codeOf(dora.conversations.decrypt(old.keyId, old.packet))).toBe('ACCESS_DENIED')
  expect(await anna.conversations.answerKeyRequests()).toBe(1)
  expect(await carl.conversations.decrypt(old.keyId, old.packet)).toMatchObject({ text: 'before carl' })
  expect(await codeOf((await carl.conversations.open(chat.id)).encrypt('a reader'))).toBe('ACCESS_DENIED')
})

test('who was reset is out until an owner accepts the new chain', async () => {
  const chat = await chatOf()
  const before = await chat.encrypt('before the reset')
  world.clock.advance(MINUTE)
  await world.directory.reset('ben')
  const again = await world.device('ben')
  world.clock.advance(2 * HOUR)
  const during = await chat.encrypt('during the reset')
  expect(during.leftOut).toMatchObject([{ username: 'ben', code: 'CHAIN_RESET' }])
  expect(during.keyId).not.toBe(before.keyId)
  // A directory client that has never seen the chain before takes the new one, the conversation does not.
  const tab = await world.again(anna).conversations.open(chat.id)
  await tab.rotate()
  expect((await tab.encrypt('in another tab')).leftOut).toMatchObject([
    { username: 'ben', code: 'CHAIN_RESET' },
  ])
  expect(await codeOf(again.conversations.decrypt(during.keyId, during.packet))).toBe('ACCESS_DENIED')
  await chat.acceptChain('ben')
  const after = await chat.encrypt('after the acceptance')
  expect(after.leftOut).toEqual([])
  expect(await again.conversations.decrypt(after.keyId, after.packet)).toMatchObject({ kind: 'text' })
  const answer = await (await again.conversations.open(chat.id)).encrypt('here I am')
  expect(await anna.conversations.decrypt(answer.keyId, answer.packet)).toMatchObject({ text: 'here I am' })
})

test('a device that another tab has renewed signs with its new key', async () => {
  const chat = await chatOf()
  const before = await chat.encrypt('before')
  world.clock.advance(MINUTE)
  const { store } = anna
  const renewed = await openDeviceKeys({ store, clock: world.clock })
  await world.directory.record(renewed!)
  world.clock.advance(2 * HOUR)
  const after = await chat.encrypt('after')
  expect(anna.keys.entry).toBe(renewed!.entry)
  for (const { keyId, packet } of [before, after]) {
    expect(await ben.conversations.decrypt(keyId, packet)).toMatchObject({ kind: 'text' })
  }
})

test('a member leaves, an owner names another one first', async () => {
  const chat = await chatOf()
  expect(await codeOf(chat.leave())).toBe('ACCESS_DENIED')
  await chat.setRole('ben', 'owner')
  await chat.leave()
  expect(chat.me()).toBeUndefined()
  const theirs = await ben.conversations.open(chat.id)
  await theirs.refresh()
  const { keyId, packet, leftOut } = await theirs.encrypt('alone')
  expect(leftOut).toEqual([])
  expect(await codeOf(anna.conversations.decrypt(keyId, packet))).toBe('ACCESS_DENIED')
})

test('receipts: who got which key, without gaps', async () => {
  const chat = await chatOf()
  for (const text of ['one', 'two', 'three']) {
    await chat.rotate()
    const { keyId, packet } = await chat.encrypt(text)
    await ben.conversations.decrypt(keyId, packet)
  }
  const receipts = await listOf(chat.receipts())
  expect(receipts.map(({ sequence }) => sequence)).toEqual(receipts.map((_, at) => at))
  expect(receipts.length).toBeGreaterThanOrEqual(6)
  expect(await listOf(chat.receipts(2))).toEqual(receipts.slice(3))
  expect(await listOf((await ben.conversations.open(chat.id)).receipts())).toEqual(receipts)
})
