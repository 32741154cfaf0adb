import { beforeEach, describe, expect, test } from 'vitest'
import { createDeviceKeys, createMessenger, memoryStore } from '../src/index.ts'
import { codeOf, createWorld, type TestDevice, type World } from './kit/people.ts'
import { APPLICATION } from './kit/test-directory.ts'

/** A record counts from five minutes before it says so. */
const TOLERANCE = 300
const SKEW = 120

let world: World
let anna: TestDevice
let ben: TestDevice

beforeEach(async () => {
  world = await createWorld()
  anna = await world.device('anna')
  ben = await world.device('ben')
})

/** A device of a user whose record begins so many seconds from now. */
async function early(username: string, seconds: number, approver?: TestDevice): Promise<TestDevice> {
  const { clock, directory } = world
  const store = memoryStore()
  const keys = await createDeviceKeys({ application: APPLICATION, username, store, clock, profile: 'x25519' })
  const notBefore = directory.now + seconds
  await directory.record(keys, { notBefore, ...(approver ? { approver: approver.keys } : {}) })
  const options = { application: APPLICATION, me: keys, directory: directory.client(), store, clock }
  return { keys, store, messenger: createMessenger(options) }
}

/** The next encryption key of a device, published. */
async function rotated({ keys, messenger }: TestDevice): Promise<void> {
  await keys.rotateEncryptionKey({ now: true })
  await world.directory.publish(keys)
  messenger.directoryChanged(keys.username)
}

const hello = async (from: TestDevice, to: string) => (await from.messenger.encrypt(to, 'hello')).envelope

describe('a key that is not valid yet', () => {
  test('step 3: is not written to, and holds up nobody', async () => {
    await early('carl', 3_600)
    expect(await codeOf(anna.messenger.encrypt('carl', 'hello'))).toBe('KEY_NOT_YET_VALID')
    const second = await early('ben', 3_600, ben)
    const { recipients, leftOut } = await anna.messenger.encrypt('ben', 'hello')
    expect(recipients.map(({ device }) => device)).toEqual([ben.keys.device])
    expect(leftOut).toMatchObject([{ device: second.keys.device, code: 'KEY_NOT_YET_VALID' }])
    expect(leftOut[0]!.advice).toMatch(/clock/)
  })

  test('step 6: signs nothing: the error says why', async () => {
    const carl = await early('carl', 3_600)
    expect(await codeOf(carl.messenger.encrypt('anna', 'hello'))).toBe('KEY_NOT_YET_VALID')
  })

  test('step 9: is not believed, and its message opens once its time has come', async () => {
    const carl = await early('carl', TOLERANCE + 100)
    // The sender's clock is ahead, so to it the key is valid.
    world.clock.advance(SKEW)
    const envelope = await hello(carl, 'ben')
    world.clock.advance(-SKEW)
    const error = await ben.messenger.decrypt(envelope).then(
      () => undefined,
      (reason) => reason,
    )
    expect(error).toMatchObject({ code: 'KEY_NOT_YET_VALID', advice: expect.stringMatching(/./) })
    world.clock.advance(SKEW)
    expect(await error.repair()).toEqual({ action: 'retry' })
    expect((await ben.messenger.decrypt(envelope)).text).toBe('hello')
  })
})

describe('a key that has expired', () => {
  test.each(['x25519', 'rsa3072'] as const)('step 3: is not written to, in %s', async (profile) => {
    const carl = await world.device('carl', { profile, recordSeconds: 600 })
    expect((await carl.messenger.decrypt(await hello(anna, 'carl'))).text).toBe('hello')
    world.clock.advance(601)
    anna.messenger.renewSession('carl')
    expect(await codeOf(anna.messenger.encrypt('carl', 'late'))).toBe('KEY_EXPIRED')
  })

  test('step 3: an encryption key of a week, of a device whose record still counts', async () => {
    world.clock.advance(7 * 86_400 + 1)
    await rotated(anna)
    expect(await codeOf(anna.messenger.encrypt('ben', 'late'))).toBe('KEY_EXPIRED')
    await rotated(ben)
    anna.messenger.directoryChanged('ben')
    const next = await anna.messenger.encrypt('ben', 'under the next one')
    expect((await ben.messenger.decrypt(next.envelope)).text).toBe('under the next one')
  })

  test('step 6: signs nothing', async () => {
    const carl = await world.device('carl', { recordSeconds: 600 })
    world.clock.advance(601)
    expect(await codeOf(carl.messenger.encrypt('anna', 'late'))).toBe('KEY_EXPIRED')
  })

  test('step 9: what it signed in time and nobody has met is not believed any more', async () => {
    const carl = await world.device('carl', { recordSeconds: 600 })
    const [met, unmet] = [await hello(carl, 'ben'), await hello(carl, 'anna')]
    expect((await ben.messenger.decrypt(met)).text).toBe('hello')
    const { envelope: later } = await carl.messenger.encrypt('ben', 'in the session')
    world.clock.advance(601)
    expect(await codeOf(anna.messenger.decrypt(unmet))).toBe('KEY_EXPIRED')
    // A session outlives the key that it was negotiated under.
    expect((await ben.messenger.decrypt(later)).text).toBe('in the session')
  })

  test('step 9: a sender who has been away for weeks is read: the key that signed still counts', async () => {
    const envelope = await hello(anna, 'ben')
    // Anna's encryption key ended after a week, and nobody was there to make the next one.
    world.clock.advance(15 * 86_400)
    await rotated(ben)
    expect(await codeOf(ben.messenger.encrypt('anna', 'are you there?'))).toBe('KEY_EXPIRED')
    expect((await ben.messenger.decrypt(envelope)).text).toBe('hello')
  })

  test('step 9: the same, of a device that was revoked or renewed meanwhile', async () => {
    const [first, second] = [await hello(anna, 'ben'), await hello(await world.device('carl'), 'ben')]
    world.clock.advance(8 * 86_400)
    await rotated(anna)
    await world.directory.record(anna.keys)
    await world.directory.revokeByOperator('carl', (await world.directory.state('carl')).devices[0]!.device)
    world.clock.advance(8 * 86_400)
    await rotated(ben)
    expect((await ben.messenger.decrypt(first)).text).toBe('hello')
    expect(await codeOf(ben.messenger.decrypt(second))).toBe('SENDER_REVOKED')
  })

  test('step 11: its private part is erased two weeks later, and what comes then is for nobody', async () => {
    const [first, late] = [await hello(anna, 'ben'), await hello(await world.device('carl'), 'ben')]
    for (const days of [7, 7, 6]) {
      world.clock.advance(days * 86_400)
      await rotated(ben)
      await ben.keys.eraseExpired()
    }
    expect((await ben.messenger.decrypt(first)).text).toBe('hello')
    world.clock.advance(2 * 86_400)
    await ben.keys.eraseExpired()
    expect(await codeOf(ben.messenger.decrypt(late))).toBe('KEY_EXPIRED')
  })
})

describe('a key that was revoked', () => {
  test('step 3: is not written to', async () => {
    await world.directory.revokeByOperator('ben', ben.keys.device)
    expect(await codeOf(anna.messenger.encrypt('ben', 'hello'))).toBe('DEVICE_REVOKED')
  })

  test('step 6: signs nothing', async () => {
    await world.directory.revokeByOperator('anna', anna.keys.device)
    expect(await codeOf(anna.messenger.encrypt('ben', 'hello'))).toBe('DEVICE_REVOKED')
  })

  test('step 9: is not believed, whenever it signed', async () => {
    const envelope = await hello(anna, 'ben')
    world.clock.advance(3_600)
    await world.directory.revokeByOperator('anna', anna.keys.device)
    expect(await codeOf(ben.messenger.decrypt(envelope))).toBe('SENDER_REVOKED')
  })

  test('while a revocation by another device waits, the device goes on; then it ends', async () => {
    const second = await world.device('anna', { approver: anna })
    await world.directory.revoke(anna.keys, second.keys.device)
    expect((await ben.messenger.decrypt(await hello(second, 'ben'))).text).toBe('hello')
    const under = await hello(second, 'ben')
    world.clock.advance(86_400)
    ben.messenger.directoryChanged('anna')
    expect(await codeOf(ben.messenger.decrypt(under))).toBe('SENDER_REVOKED')
    second.messenger.directoryChanged('anna')
    expect(await codeOf(second.messenger.encrypt('ben', 'hello'))).toBe('DEVICE_REVOKED')
  })
})
