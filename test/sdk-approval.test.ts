import { memoryStore } from '@keyhaven/messaging'
import type { EnrollOptions } from '@keyhaven/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ENGINES } from './kit/engines.ts'
import { createPeople } from './kit/sdk-people.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'

/** So far ahead of its `notBefore` a device counts as valid: clocks differ. */
const EARLY_MS = 300_000
/** Until then it is not, which takes a busy machine longer to see: four times as long at each retry. */
const AHEAD_MS = 4_000
const PATIENCE_MS = 60_000
const DAY_MS = 86_400_000

let server: SdkServer
const people = createPeople(() => server)
const { person, kept } = people

beforeAll(async () => {
  server = await startSdkServer(ENGINES[0]!)
})

afterAll(async () => {
  await people.close()
  await server?.dispose()
})

/** A second device of anna's, and what she read before there was one. */
async function requested(clock: () => number = Date.now, setup: Partial<EnrollOptions> = {}) {
  const anna = await person('anna', setup)
  const ben = await person('ben')
  const { envelope } = await ben.messages.encrypt(anna.username, 'from before')
  await anna.messages.decrypt(envelope)
  const store = memoryStore()
  const pending = await server.connect({ clock }).requestDevice({ username: anna.username, store })
  const opened = async () => {
    // The clock is set meanwhile.
    const phone = await server.connect().requestDevice({ username: anna.username, store })
    return kept(await phone.completed())
  }
  return { anna, envelope, pending, opened }
}

test('the approval says that the history was handed over, or was not to be', async () => {
  const { anna, pending, envelope, opened } = await requested()
  expect(await anna.devices.approve(pending.request)).toMatchObject({ history: 'done' })
  expect((await (await opened()).messages.readAgain(envelope)).text).toBe('from before')
  const other = await requested()
  const { request } = other.pending
  expect(await other.anna.devices.approve(request, { history: false })).toMatchObject({ history: 'off' })
  await other.anna.upkeep()
  const phone = await other.opened()
  await expect(phone.messages.readAgain(other.envelope)).rejects.toMatchObject({
    code: 'HISTORY_UNAVAILABLE',
  })
})

test('a device whose clock is ahead is approved, and gets the history when its record is valid', {
  retry: 2,
}, async ({ task }) => {
  const ahead = AHEAD_MS * 4 ** (task.result?.retryCount ?? 0)
  const { anna, pending, envelope, opened } = await requested(() => Date.now() + EARLY_MS + ahead)
  const approved = await anna.devices.approve(pending.request)
  expect(approved).toMatchObject({ fingerprint: pending.fingerprint, history: 'later' })
  const statusOf = async () =>
    (await anna.devices.list()).find(({ device }) => device === approved.device)?.status
  expect(await statusOf()).toBe('not-yet-valid')
  // Too early: it stays promised.
  await anna.upkeep()
  await expect.poll(statusOf, { timeout: ahead + PATIENCE_MS }).toBe('valid')
  await anna.upkeep()
  const phone = await opened()
  expect((await phone.messages.readAgain(envelope)).text).toBe('from before')
})

test('a history that cannot be read at the approval is handed over later', async () => {
  const store = memoryStore()
  let isBroken = false
  const fragile: typeof store = {
    ...store,
    list: (prefix, options) => {
      if (isBroken && prefix.startsWith('archive/')) throw new Error('the disk is away')
      return store.list(prefix, options)
    },
  }
  const { anna, pending, envelope, opened } = await requested(Date.now, { store: fragile })
  isBroken = true
  expect(await anna.devices.approve(pending.request)).toMatchObject({ history: 'later' })
  await expect(anna.upkeep()).rejects.toThrow('the disk is away')
  isBroken = false
  await anna.upkeep()
  expect((await (await opened()).messages.readAgain(envelope)).text).toBe('from before')
})

test('a request that is refused leaves no promise behind', async () => {
  const store = memoryStore()
  const { anna } = await requested(Date.now, { store })
  const old = server.connect({ clock: () => Date.now() - 2 * DAY_MS })
  const { request } = await old.requestDevice({ username: anna.username })
  await expect(anna.devices.approve(request)).rejects.toMatchObject({ code: 'RECORD_INVALID' })
  expect(await store.list('sdk/hand-over/')).toEqual([])
})
