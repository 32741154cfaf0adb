import { backend, KeyhavenError } from '@keyhaven/crypto'
import type { DirectoryClient, NewDevice, UserState } from '@keyhaven/directory'
import { createDeviceKeys, memoryStore } from '@keyhaven/messaging'
import { expect, test } from 'vitest'
import type { OpenDevice } from '../src/device/open-device.ts'
import { Upkeep } from '../src/device/upkeep.ts'

const DAY_MS = 86_400_000
const START = Date.UTC(2026, 10, 21)
const RECORD_SECONDS = 90 * 86_400

/** A device on a clock that the test turns, and a directory that writes down what it was told. */
async function deviceOnAClock() {
  let now = START
  const clock = () => now
  const store = memoryStore()
  const keys = await createDeviceKeys({ store, application: 'demo', username: 'anna', clock })
  const calls: string[] = []
  let record = recordAt(START, 'first', await keys.prepareRenewal())
  await keys.adopt('first')
  let refusal: KeyhavenError | undefined
  let lost = false
  /** What a look-up shows; undefined: the key of the record. */
  let statement: string | undefined

  function recordAt(
    at: number,
    entry: string,
    { signingKey, encryptionKey }: Awaited<ReturnType<typeof keys.prepareRenewal>>,
  ) {
    const notBefore = Math.floor(at / 1_000)
    const expires = notBefore + RECORD_SECONDS
    const encryptionThumbprint = encryptionKey.thumbprint
    return { entry, name: 'Laptop', notBefore, expires, signingKey: signingKey.jwk, encryptionThumbprint }
  }

  const directory = {
    use: () => {},
    ownChain: async () => ({ devices: [{ device: keys.device, record }] }) as unknown as UserState,
    async renew(wanted: NewDevice) {
      if (refusal) throw refusal
      calls.push(`renew ${wanted.name}`)
      const entry = `entry ${calls.length}`
      record = recordAt(now, entry, await keys.prepareRenewal())
      statement = undefined
      return { entry, sequence: 1, index: 1 }
    },
    async lookUp() {
      if (lost) return { devices: [], refused: [{ device: keys.device, code: 'DIRECTORY_STALE' }] }
      const encryption = { thumbprint: statement ?? record.encryptionThumbprint }
      return { devices: [{ device: keys.device, encryption }], refused: [] }
    },
    async publishEncryptionKey(_key: object, { expires }: { expires: number }) {
      statement = keys.encryptionKey.thumbprint
      lost = false
      calls.push(`publish for ${Math.round((expires * 1_000 - now) / DAY_MS)} days`)
    },
  } as unknown as DirectoryClient
  const device = {
    app: { clock, backend },
    keys,
    used: { store },
    directory,
    messenger: { directoryChanged: () => {} },
    signed: async (run: () => unknown) => run(),
    reload: () => keys.reload(),
  } as unknown as OpenDevice
  const errors: unknown[] = []
  const upkeep = new Upkeep({ device, onError: (error) => errors.push(error), alsoDo: async () => {} })
  return {
    calls,
    errors,
    keys,
    store,
    upkeep,
    refuse: (error: KeyhavenError | undefined) => {
      refusal = error
    },
    /** The directory is set back to a backup. */
    loseStatements: (isNoticed: boolean) => {
      statement = undefined
      lost = isNoticed
    },
    turnTo: (day: number) => {
      now = START + day * DAY_MS
    },
  }
}

test('encryption keys are published in time, and erased two weeks after their end', async () => {
  const { calls, keys, store, turnTo, upkeep } = await deviceOnAClock()
  const first = keys.encryptionKey.thumbprint
  await upkeep.check()
  turnTo(3)
  await upkeep.check()
  expect(calls).toEqual([])
  turnTo(4)
  await upkeep.check()
  await upkeep.check()
  expect(calls).toEqual(['publish for 7 days'])
  expect(keys.encryptionKey.thumbprint).not.toBe(first)
  expect(await keys.findEncryptionKey(first)).toBeDefined()
  turnTo(22)
  await upkeep.check()
  expect(await keys.findEncryptionKey(first)).toBeUndefined()
  expect((await store.list('device/encryption/')).length).toBe(2)
})

test('a key that was made and could not be published is published the next time', async () => {
  const { calls, keys, turnTo, upkeep } = await deviceOnAClock()
  await upkeep.check()
  turnTo(4)
  await keys.rotateEncryptionKey()
  turnTo(5)
  await upkeep.check()
  expect(calls).toEqual(['publish for 6 days'])
})

test('a key that the directory has lost again is published once more', async () => {
  const { calls, loseStatements, turnTo, upkeep } = await deviceOnAClock()
  turnTo(4)
  await upkeep.check()
  for (const isNoticed of [false, true]) {
    loseStatements(isNoticed)
    await upkeep.check()
    await upkeep.check()
  }
  expect(calls).toEqual(['publish for 7 days', 'publish for 7 days', 'publish for 7 days'])
})

test('the record is renewed with a third of its life left, and a refusal is tried again and blocks nothing', async () => {
  const { calls, errors, keys, refuse, turnTo, upkeep } = await deviceOnAClock()
  turnTo(59)
  await upkeep.check()
  expect(calls).toEqual(['publish for 7 days'])
  turnTo(64)
  refuse(new KeyhavenError('RATE_LIMITED', 'later'))
  await expect(upkeep.check()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  expect(calls).toEqual(['publish for 7 days', 'publish for 7 days'])
  refuse(undefined)
  // With a use, once the pause after a failure is over.
  turnTo(64.1)
  upkeep.touch()
  await upkeep.stop()
  expect(errors).toEqual([])
  expect(calls.at(-1)).toBe('renew Laptop')
  expect(keys.entry).toBe('entry 3')
})

test('a device that was away for longer than its keys last makes new ones before it writes', async () => {
  const { calls, errors, keys, turnTo, upkeep } = await deviceOnAClock()
  await upkeep.check()
  turnTo(8)
  const before = keys.encryptionKey.thumbprint
  await upkeep.ready()
  expect(calls).toEqual(['publish for 7 days'])
  expect(keys.encryptionKey.thumbprint).not.toBe(before)
  // Nothing to wait for otherwise.
  turnTo(9)
  await upkeep.ready()
  expect(calls).toHaveLength(1)
  expect(errors).toEqual([])
})
