import { beforeEach, expect, test } from 'vitest'
import { authorOf, smuggledKey } from '../client/kit/forgeries.ts'
import { codeOf, createPair, type TestDevice, type World } from '../client/kit/world.ts'

const MINUTE = 60
const HOUR = 3_600
let world: World
let anna: TestDevice
let ben: TestDevice

beforeEach(async () => {
  ;({ world, anna, ben } = await createPair())
})

// The server works together with whoever has the stolen device.
test('a revoked device makes no key that others send under, whatever time it writes into it', async () => {
  const phone = await world.device('ben', ben)
  const chat = await anna.conversations.create({ members: { ben: 'member' } })
  await chat.encrypt('to three devices')
  const author = await authorOf(world, phone)
  world.clock.advance(MINUTE)
  await world.directory.revokeByOperator('ben', phone.keys.device)
  const revokedAt = world.directory.now
  world.clock.advance(HOUR)
  for (const issued of [revokedAt - 30, revokedAt + 300]) {
    const id = await smuggledKey(world, phone, chat.id, [anna, ben, phone], { issued, author })
    world.clock.advance(2 * MINUTE)
    expect((await chat.encrypt('not for the thief')).keyId, String(issued - revokedAt)).not.toBe(id)
  }
})

test('a key from the future is refused: it would outlive every revocation', async () => {
  const chat = await anna.conversations.create({ members: { ben: 'member' } })
  await chat.encrypt('hello')
  const issued = world.directory.now + 2 * HOUR
  const author = await authorOf(world, ben)
  const id = await smuggledKey(world, ben, chat.id, [anna, ben], { issued, author })
  expect(await codeOf(anna.conversations.decrypt(id, new Uint8Array(100).fill(1)))).toBe('CLOCK_SKEW')
})

test('a key that is dated a little ahead ends with the next device that leaves, all the same', async () => {
  const phone = await world.device('ben', ben)
  const chat = await anna.conversations.create({ members: { ben: 'member' } })
  await chat.encrypt('hello')
  const issued = world.directory.now + 5 * MINUTE
  const id = await smuggledKey(world, ben, chat.id, [anna, ben, phone], {
    ...{ issued, author: await authorOf(world, ben) },
  })
  world.clock.advance(2 * MINUTE)
  expect((await chat.encrypt('to the phone, too')).keyId).toBe(id)
  world.clock.advance(MINUTE)
  await world.directory.revokeByOperator('ben', phone.keys.device)
  world.clock.advance(2 * HOUR)
  expect((await chat.encrypt('to the phone no more')).keyId).not.toBe(id)
})

test('the server cannot go back to a key from before a rotation', async () => {
  const chat = await anna.conversations.create({ members: { ben: 'member' } })
  const old = await chat.encrypt('before')
  world.clock.advance(HOUR)
  const made = await chat.rotate()
  world.server.conversations.get(chat.id)!.currentKey = old.keyId
  world.clock.advance(2 * MINUTE)
  const next = await chat.encrypt('after')
  expect(next.keyId).not.toBe(old.keyId)
  expect(next.keyId).not.toBe(made)
  expect((await chat.encrypt('still')).keyId).toBe(next.keyId)
})

test('a key without a receipt is not taken', async () => {
  const chat = await anna.conversations.create({ members: { ben: 'member' } })
  const { keyId, packet } = await chat.encrypt('hello')
  world.server.lie = (_, path, answer) => {
    if (!path.startsWith('/v1/keys/')) return answer
    const { receipt: _receipt, ...rest } = answer
    return rest
  }
  expect(await codeOf(ben.conversations.decrypt(keyId, packet))).toBe('PROOF_INVALID')
  world.server.lie = undefined
  expect(await codeOf(ben.conversations.decrypt(keyId, packet))).toBe('done')
})

test('a change of the mode carries no key over, whatever the server says is current', async () => {
  const chat = await anna.conversations.create({ members: { ben: 'member' } })
  const sealed = await chat.encrypt('sealed')
  await chat.setMode('managed')
  const back = (keyId: string) => {
    world.server.conversations.get(chat.id)!.currentKey = keyId
    world.clock.advance(2 * MINUTE)
  }
  back(sealed.keyId)
  const managed = await chat.encrypt('managed')
  expect(managed.keyId).not.toBe(sealed.keyId)
  await chat.setMode('sealed')
  back(managed.keyId)
  const again = await chat.encrypt('sealed again')
  expect([sealed.keyId, managed.keyId]).not.toContain(again.keyId)
  expect(await chat.holders(again.keyId)).toHaveLength(2)
  // People see it, with who did it; only an owner can.
  const modes = []
  for await (const { change, by } of chat.changes(0)) {
    if (change.kind === 'mode') modes.push([by.username, change.mode])
  }
  expect(modes).toEqual([
    ['anna', 'managed'],
    ['anna', 'sealed'],
  ])
  expect(await codeOf((await ben.conversations.open(chat.id)).setMode('managed'))).toBe('ACCESS_DENIED')
})
