import { beforeEach, describe, expect, test } from 'vitest'
import { ENCRYPTION_KEY_GRACE_SECONDS } from '../src/device/open-device-keys.ts'
import { DEFAULT_SETTINGS, ENCRYPTION_KEY_SECONDS } from '../src/index.ts'
import { createWorld, type TestDevice, type World } from './kit/people.ts'
import { liesIn, openStolen, privateBytes } from './kit/thief.ts'

const DAY = 86_400
const WEEK = 7 * DAY
const OFF = { settings: { archive: false } }

let world: World
let anna: TestDevice
let ben: TestDevice

beforeEach(async () => {
  world = await createWorld()
  anna = await world.device('anna', OFF)
  ben = await world.device('ben', OFF)
})

async function record(from: TestDevice, to: string, text: string): Promise<string> {
  return (await from.messenger.encrypt(to, text)).envelope
}

/** Records a message that the device reads. */
async function read(from: TestDevice, to: TestDevice, text: string): Promise<string> {
  const envelope = await record(from, to.keys.username, text)
  expect((await to.messenger.decrypt(envelope)).text).toBe(text)
  return envelope
}

/** A week on: each device makes its next encryption key and erases what is past its grace. */
async function weekPasses(...devices: readonly TestDevice[]): Promise<void> {
  world.clock.advance(WEEK)
  for (const { keys } of devices) {
    if (await keys.rotateEncryptionKey({ now: true })) await world.directory.publish(keys)
    await keys.eraseExpired()
  }
  for (const { messenger } of devices) {
    for (const { keys } of devices) messenger.directoryChanged(keys.username)
  }
}

const stolen = ({ store }: TestDevice, recording: readonly string[]) => openStolen(store, recording)

describe('a stolen store, opened', () => {
  test('opens nothing that was sent to an encryption key erased since, read or not', async () => {
    const { thumbprint } = ben.keys.encryptionKey
    const name = `device/encryption/${thumbprint}`
    const secret = privateBytes((await ben.store.get(name))!.value)
    const carl = await world.device('carl', OFF)
    const recording = [await read(anna, ben, 'read'), await record(carl, 'ben', 'never delivered')]
    expect(await stolen(ben, recording)).toEqual(['read', 'never delivered'])
    const weeks = (ENCRYPTION_KEY_SECONDS + ENCRYPTION_KEY_GRACE_SECONDS) / WEEK
    for (let week = 1; week < weeks; week++) await weekPasses(ben, anna)
    expect(await stolen(ben, recording)).toEqual(['read', 'never delivered'])
    await weekPasses(ben, anna)
    expect(await stolen(ben, recording)).toEqual([])
    for (const key of await ben.store.list('')) {
      expect(liesIn((await ben.store.get(key))!.value, secret), key).toBe(false)
    }
  })

  test('opens what was sent to keys not erased yet', async () => {
    const recording = [await read(anna, ben, 'week 0')]
    for (let week = 1; week <= 3; week++) {
      await weekPasses(ben, anna)
      recording.push(await read(anna, ben, `week ${week}`))
    }
    expect(await stolen(ben, recording)).toEqual(['week 1', 'week 2', 'week 3'])
  })

  test('of a key erased: opens later messages of a session that it still keeps, never earlier ones', async () => {
    const recording = [await read(anna, ben, 'first'), await record(anna, 'ben', 'second, on its way')]
    for (let week = 1; week <= 3; week++) await weekPasses(ben, anna)
    expect(await stolen(ben, recording)).toEqual(['second, on its way'])
    world.clock.advance(15 * DAY)
    await ben.messenger.sweep()
    expect(await stolen(ben, recording)).toEqual([])
  })

  test('opens the kept archive, and no more', async () => {
    expect(DEFAULT_SETTINGS.archive).toBe(true)
    const keeper = await world.device('keeper')
    const recording = [await read(anna, keeper, 'kept'), await read(anna, ben, 'of another device')]
    const carl = await world.device('carl', OFF)
    recording.push(await record(carl, 'keeper', 'never delivered'))
    for (let week = 1; week <= 3; week++) await weekPasses(keeper, ben, anna)
    expect(await stolen(keeper, recording)).toEqual(['kept'])
    for (const key of await keeper.store.list('archive/')) {
      const { version } = (await keeper.store.get(key))!
      await keeper.store.commit({ expect: [{ key, version }], delete: [key] })
    }
    expect(await stolen(keeper, recording)).toEqual([])
  })

  test('of the sender: opens nothing that it sent', async () => {
    const recording = [await read(anna, ben, 'read'), await record(anna, 'ben', 'on its way')]
    expect(await stolen(anna, recording)).toEqual([])
  })
})

describe('a stolen store in an RSA profile', () => {
  test('opens the whole recording while its record lives, and two weeks more: no forward secrecy', async () => {
    const recordSeconds = 12 * WEEK
    const rsa = await world.device('rsa', { profile: 'rsa3072', recordSeconds, ...OFF })
    const recording = [await read(anna, rsa, 'week 0'), await read(anna, ben, 'to ben, in week 0')]
    for (let week = 1; week <= 10; week++) await weekPasses(rsa, ben, anna)
    recording.push(await read(anna, rsa, 'week 10'))
    for (const { keys, messenger } of [rsa, ben]) {
      await keys.eraseExpired()
      await messenger.sweep()
    }
    expect(await stolen(rsa, recording)).toEqual(['week 0', 'week 10'])
    expect(await stolen(ben, recording)).toEqual([])
    world.clock.advance(recordSeconds - 10 * WEEK + ENCRYPTION_KEY_GRACE_SECONDS - 1)
    await rsa.keys.eraseExpired()
    expect(await stolen(rsa, recording)).toEqual(['week 0', 'week 10'])
    world.clock.advance(1)
    await rsa.keys.eraseExpired()
    await rsa.messenger.sweep()
    expect(await stolen(rsa, recording)).not.toContain('week 0')
  })
})
