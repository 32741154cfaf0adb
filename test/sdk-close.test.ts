import { join } from 'node:path'
import { sqliteStore } from '@keyhaven/sdk/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ENGINES } from './kit/engines.ts'
import { createPeople } from './kit/sdk-people.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'

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

test('closing ends a subscription, and what was decrypted is not given again by the next start', async () => {
  const anna = await person('anna')
  const path = join(server.fixture.folder, 'ben.db')
  const store = { open: () => sqliteStore({ path }) }
  const ben = await person('ben', { store })
  const send = async (text: string) =>
    anna.mailbox.send(ben.username, (await anna.messages.encrypt(ben.username, text)).envelope)

  await send('read by subscription')
  const reading = Promise.withResolvers<string>()
  const listening = (async () => {
    for await (const { envelope } of ben.mailbox.subscribe()) {
      reading.resolve((await ben.messages.decrypt(envelope)).text)
    }
    return 'ended'
  })()
  expect(await reading.promise).toBe('read by subscription')
  await ben.close()
  expect(await listening).toBe('ended')

  await send('read from a list')
  await send('left unread')
  const again = kept((await server.connect().resume({ store }))!)
  const items = await again.mailbox.receive()
  expect(items).toHaveLength(2)
  expect((await again.messages.decrypt(items[0]!.envelope)).text).toBe('read from a list')
  await again.close()

  const third = kept((await server.connect().resume({ store }))!)
  const left = await third.mailbox.receive()
  expect(left).toHaveLength(1)
  expect((await third.messages.decrypt(left[0]!.envelope)).text).toBe('left unread')
})

test.each([
  ['memory', () => undefined],
  ['SQLite', () => ({ open: () => sqliteStore({ path: join(server.fixture.folder, 'closed.db') }) })],
])('a closed device does nothing more, and says so: its store in %s', async (_, storeOf) => {
  const other = await person('other')
  const store = storeOf()
  const me = await person('closing', store ? { store } : {})
  const { envelope } = await other.messages.encrypt(me.username, 'too late')
  await me.messages.encrypt(other.username, 'in time')
  await me.close()
  const calls = {
    writes: () => me.messages.encrypt(other.username, 'x'),
    reads: () => me.messages.decrypt(envelope),
    receives: () => me.mailbox.receive(),
    compares: () => me.verification.safetyNumber(other.username),
    renews: () => me.renew(),
  }
  for (const call of Object.values(calls)) {
    await expect(call()).rejects.toThrow('the store is closed: open the device again')
  }
})
