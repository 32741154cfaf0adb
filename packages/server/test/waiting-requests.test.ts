import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import { createWaitingRequests } from '../src/conversations/waiting-requests.ts'
import { createMetricsRegistry } from '../src/platform/metrics/registry.ts'
import {
  APP,
  announcedKey,
  createChat,
  openWorld,
  shareOf,
  type World,
} from './fixtures/conversation-people.ts'

describe.each(ENGINES)('requests for sealed keys that wait, on $name', (engine) => {
  let world: World
  beforeEach(async () => {
    world = await openWorld(engine)
  })
  afterEach(() => world?.dispose())

  test('are counted until another device has answered', async () => {
    const [alice, bob] = [await world.enroll('alice'), await world.enroll('bob')]
    const { service } = world
    const chat = await createChat(world, [alice, bob], { mode: 'sealed' })
    world.time.now += 1_000
    const laptop = await world.addDevice(bob)
    const metrics = createMetricsRegistry()
    const count = createWaitingRequests(world.first.state.db, metrics)
    const waiting = async () => {
      await count()
      return metrics.snapshot()[0]!.series['']![0]
    }
    expect(await waiting()).toBe(0)
    const key = announcedKey(chat)
    const { id } = key
    await service.requestKey(APP, laptop, id)
    await service.requestKey(APP, laptop, id)
    expect(await waiting()).toBe(1)
    await service.share(APP, alice, id, await shareOf(world, alice, laptop, key))
    expect(await waiting()).toBe(0)
  })
})

test('a server shows them on /metrics', async () => {
  const server = await startTestServer(ENGINES[0]!)
  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text()
  expect(metrics).toContain('# TYPE keyhaven_conversation_key_requests gauge\n')
  expect(metrics).toContain('\nkeyhaven_conversation_key_requests 0\n')
  await server.dispose()
})
