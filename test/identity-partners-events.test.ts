import { backend, KeyhavenError, utf8 } from '@keyhaven/crypto'
import { type EventModel, openEvent, verifyHubSignature } from '@keyhaven/identity'
import { DELIVERY_ATTEMPTS, DELIVERY_WAIT_DAYS } from '@keyhaven/identity/service'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  createDeliverer,
  PARTNERS_AT_ONCE,
  pruneEvents,
  runDeliveries,
} from '../packages/server/src/identity/events/run-deliveries.ts'
import { createWebhookSender } from '../packages/server/src/identity/events/webhook-sender.ts'
import type { JobRunner } from '../packages/server/src/platform/jobs/job.ts'
import { ENGINES } from './kit/engines.ts'
import { APPLICATION, createPartnerFixture, MANAGER, type PartnerFixture } from './kit/identity-partners.ts'
import { startWebhook, type TestWebhook } from './kit/webhook.ts'

const SECRET = 'a secret of sixteen or more'
const DAY_MS = 86_400_000

// biome-ignore lint/suspicious/noExplicitAny: what an IDA is told, looked into member by member
type Loose = any

describe.each(ENGINES)('events to partners on $name', (engine) => {
  let fixture: PartnerFixture
  let hook: TestWebhook
  let runner: JobRunner | undefined
  let looked = 0
  beforeAll(async () => {
    hook = await startWebhook()
    fixture = await createPartnerFixture(engine, { webhooksPrivate: true })
    await fixture.partner('printer', 'Print_Partner', { groupId: 'mpolicygroup-default-print' })
  })
  afterEach(async () => {
    await runner?.stop()
    runner = undefined
  })
  afterAll(async () => {
    await fixture?.dispose()
    await hook?.close()
  })

  const deliverer = () => {
    const resolve = async () => {
      looked++
      return [{ address: '127.0.0.1', family: 4 }]
    }
    return createDeliverer(
      fixture.services,
      createWebhookSender({ privateNetworks: true, ca: hook.certificate, resolve }),
    )
  }
  const start = () => {
    runner = runDeliveries(deliverer(), {
      jobs: fixture.jobs,
      applicationId: APPLICATION,
      onError: () => {},
      backoff: 1,
    })
  }
  const publish = (number: number) =>
    fixture.state.transaction((tx) =>
      fixture.services.events.publish(tx, {
        ...{ partnerId: 'printer', topic: 'CREDENTIAL_ISSUED', publisher: 'CREDENTIAL_SERVICE' },
        event: { id: crypto.randomUUID(), timestamp: '2026-01-01T00:00:00.000Z', data: { number } },
      }),
    )
  const numbers = () =>
    hook.received.map(({ body }) => (JSON.parse(body.toString()) as EventModel).event.data.number)
  const stateOf = async (id: string) => (await fixture.services.eventStore.events.get(id))!.state

  test('without a webhook they are kept, and sent in order once there is one', async () => {
    const ids = [await publish(1), await publish(2)]
    expect(await stateOf(ids[0]!)).toBe('kept')
    start()
    const { services } = fixture
    const secret = await services.sealSecret('printer', SECRET)
    expect(Buffer.from(secret).includes(SECRET)).toBe(false)
    await services.partners.setWebhook('printer', { url: hook.url, secret }, MANAGER)
    await hook.until(2)
    expect(numbers()).toEqual([1, 2])
    await expect.poll(() => stateOf(ids[1]!)).toBe('delivered')
  })

  test('each is signed by the server, and by the secret as WebSub does', async () => {
    const { headers, body } = hook.received[0]!
    const { certificate } = await fixture.services.signer()
    const trust = {
      trust: ([signer]: readonly { thumbprint: Uint8Array }[]) =>
        expect(signer!.thumbprint).toEqual(certificate.thumbprint),
    }
    const given = { body, signature: headers.signature!, partnerId: 'printer' }
    const model = await openEvent(backend, given, trust)
    expect(model).toMatchObject({
      topic: 'printer/CREDENTIAL_ISSUED',
      publisher: 'CREDENTIAL_SERVICE',
      event: { data: { number: 1 } },
    })
    await expect(openEvent(backend, { ...given, partnerId: 'print' }, trust)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
    const changed = Buffer.from(body)
    changed[changed.length - 3]! ^= 1
    await expect(openEvent(backend, { ...given, body: changed }, trust)).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
    const hub = headers['x-hub-signature']!
    expect(hub).toMatch(/^SHA256=[0-9a-f]{64}$/)
    expect(await verifyHubSignature(backend, utf8(SECRET), body, hub)).toBe(true)
    expect(await verifyHubSignature(backend, utf8(SECRET), changed, hub)).toBe(false)
    expect(looked).toBe(hook.received.length)
  })

  test('an event is published if and only if its cause is committed', async () => {
    const failing = fixture.state.transaction(async (tx) => {
      await fixture.services.events.publish(tx, {
        ...{ partnerId: 'printer', topic: 'X', publisher: 'Y' },
        event: { id: 'never', timestamp: '', data: {} },
      })
      throw new Error('undone')
    })
    await expect(failing).rejects.toThrow('undone')
    expect((await fixture.services.eventStore.events.list({ topic: 'X' })).length).toBe(0)
  })

  test('lists the newest first, a page at a time', async () => {
    const all = await fixture.services.eventStore.newest({ partnerId: 'printer' }, { limit: 1_000 })
    const numbers = all.map(({ sequence }) => sequence)
    expect(numbers.length).toBeGreaterThan(1)
    expect(numbers).toEqual(numbers.toSorted((a, b) => b - a))
    const page = { before: numbers[0]!, limit: 1 }
    const [second] = await fixture.services.eventStore.newest({ partnerId: 'printer' }, page)
    expect(second).toEqual(all[1])
    expect(await fixture.services.eventStore.newest({ state: 'dead' }, { limit: 5 })).toEqual([])
  })

  test('a failing webhook is tried again, nothing overtakes, and what is dead can be replayed', async () => {
    hook.received.length = 0
    hook.state.status = 500
    const deliver = deliverer()
    const first = await publish(3)
    const second = await publish(4)
    const hold = async () => {}
    for (let attempt = 1; attempt < DELIVERY_ATTEMPTS; attempt++) {
      await expect(deliver.deliver('printer', hold)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
    }
    expect(new Set(numbers())).toEqual(new Set([3]))
    await expect(deliver.deliver('printer', hold)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
    expect([await stateOf(first), await stateOf(second)]).toEqual(['dead', 'waiting'])
    expect((await fixture.audit('event.dead')).at(-1)).toMatchObject({ subject: first, actor: 'system' })
    hook.state.status = 200
    hook.received.length = 0
    await deliver.deliver('printer', hold)
    expect(numbers()).toEqual([4])
    await deliver.replay(first, 'token:manager')
    start()
    await hook.until(2)
    expect(numbers()).toEqual([4, 3])
    await expect(deliver.replay('nothing', 'token:manager')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('one that says that it cannot now is waited for a week: nobody has to replay', async () => {
    hook.state.status = 503
    const deliver = deliverer()
    const id = await publish(7)
    const hold = async () => {}
    for (let attempt = 0; attempt < DELIVERY_ATTEMPTS + 2; attempt++) {
      await expect(deliver.deliver('printer', hold)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
    }
    fixture.now += (DELIVERY_WAIT_DAYS - 1) * DAY_MS
    await expect(deliver.deliver('printer', hold)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
    expect(await stateOf(id)).toBe('waiting')
    fixture.now += DAY_MS
    await deliver.deliver('printer', hold)
    expect(await stateOf(id)).toBe('dead')
    fixture.now -= DELIVERY_WAIT_DAYS * DAY_MS
    hook.state.status = 200
  })

  test.each(['UPSTREAM_FAILED', 'RATE_LIMITED'] as const)(
    'one whose share cannot be made again now (%s of the oblivious PRF) is waited for a week',
    async (code) => {
      const renew = async () => {
        throw new KeyhavenError(code, 'not now')
      }
      const deliver = createDeliverer(fixture.services, createWebhookSender({ privateNetworks: true }), renew)
      const id = await publish(8)
      const hold = async () => {}
      for (let attempt = 0; attempt < DELIVERY_ATTEMPTS + 2; attempt++) {
        await expect(deliver.deliver('printer', hold)).rejects.toMatchObject({ code })
      }
      expect(await stateOf(id)).toBe('waiting')
      await deliverer().deliver('printer', hold)
      expect(await stateOf(id)).toBe('delivered')
    },
  )

  test('a redirect is not followed, and a long answer is cut', async () => {
    const elsewhere = await startWebhook()
    const deliver = deliverer()
    Object.assign(hook.state, { status: 307, location: elsewhere.url })
    await publish(5)
    await expect(deliver.deliver('printer', async () => {})).rejects.toThrow('307')
    Object.assign(hook.state, { status: 200, location: '', body: 'x'.repeat(200_000) })
    await expect(deliver.deliver('printer', async () => {})).rejects.toMatchObject({
      code: 'UPSTREAM_FAILED',
    })
    hook.state.body = 'ok'
    await deliver.deliver('printer', async () => {})
    expect(elsewhere.received).toEqual([])
    await elsewhere.close()
  })

  test('an inactive partner gets none; old events are erased', async () => {
    await fixture.services.partners.setActive('printer', false, 'a test', MANAGER)
    const id = await publish(6)
    await expect(deliverer().deliver('printer', async () => {})).rejects.toMatchObject({
      code: 'POLICY_REFUSED',
    })
    fixture.now += 31 * DAY_MS
    expect(await pruneEvents(fixture.services)).toBeGreaterThan(4)
    expect(await stateOf(id)).toBe('waiting')
    fixture.now -= 31 * DAY_MS
  })

  test('the numbers of events rise also after the database was set back', async () => {
    const numberOf = async (id: string) => (await fixture.services.eventStore.events.get(id))!.sequence
    const before = await numberOf(await publish(7))
    const { db } = fixture.state
    await db.updateTable('identity_event_counters').set({ last: 3 }).execute()
    fixture.now += 60_000
    const after = await numberOf(await publish(8))
    expect(after).toBeGreaterThan(before)
    expect(await numberOf(await publish(9))).toBe(after + 1)
    fixture.now -= 60_000
    expect(await numberOf(await publish(10))).toBe(after + 2)
  })

  test('every IDA hears of partners, policies and authorities, each time whole', async () => {
    const { services } = fixture
    await fixture.partner('ida', 'Online_Verification_Partner', { groupId: 'mpolicygroup-default-auth' })
    await fixture.partner('shop', 'Auth_Partner', { groupId: 'mpolicygroup-default-relying-party', key: 3 })
    await fixture.subscribe('shop', 'mpolicy-default-relying-party')
    await services.partners.issueApiKey(
      { partnerId: 'shop', policyId: 'mpolicy-default-relying-party', label: 'a' },
      MANAGER,
    )
    const told = (await services.eventStore.ofPartner('ida', 'kept', 100)).map(
      ({ topic, body, sequence }) => ({
        ...{ topic, sequence, data: (JSON.parse(body) as EventModel).event.data as unknown as Loose },
      }),
    )
    expect(told.every(({ data, sequence }) => data.sequence === sequence)).toBe(true)
    expect(told[0]).toMatchObject({
      topic: 'CA_CERTIFICATE_UPLOADED',
      data: { authorities: [{ domain: 'AUTH', active: true }] },
    })
    const last = told.filter(({ topic }) => topic === 'PARTNER_UPDATED').at(-1)!.data
    expect(last).toMatchObject({
      partner: { id: 'shop', active: true },
      policies: [{ id: 'mpolicy-default-relying-party', type: 'Auth', version: 1 }],
      apiKeys: [{ policyId: 'mpolicy-default-relying-party', active: true }],
    })
    expect(last.apiKeys[0].hash).toMatch(/^[0-9a-f]{64}$/)
    await services.partners.setActive('shop', false, 'a test', MANAGER)
    const [newest] = (await services.eventStore.ofPartner('ida', 'kept', 100)).slice(-1)
    expect((JSON.parse(newest!.body) as EventModel).event.data).toMatchObject({
      partner: { id: 'shop', active: false },
    })
  })

  test('partners whose webhooks answer slowly keep no IDA waiting', async () => {
    const told: string[] = []
    let answer: () => void = () => {}
    const slow = new Promise<void>((resolve) => {
      answer = resolve
    })
    const { wake } = fixture.services.eventStore
    runner = runDeliveries(
      {
        ...deliverer(),
        async deliver(partnerId) {
          told.push(partnerId)
          if (partnerId.startsWith('slow')) await slow
        },
      },
      { jobs: fixture.jobs, applicationId: APPLICATION, onError: () => {} },
    )
    const names = Array.from({ length: 40 }, (_, i) => `slow${i}`)
    await fixture.state.transaction(async (tx) => {
      for (const name of names) await wake(tx, name)
    })
    const slowOnes = () => told.filter((name) => name.startsWith('slow')).length
    try {
      // Every place is taken, so that none comes later.
      await expect.poll(slowOnes).toBe(PARTNERS_AT_ONCE)
      told.splice(0)
      await fixture.state.transaction((tx) => wake(tx, 'ida'))
      await expect.poll(() => told).toContain('ida')
      expect(slowOnes()).toBe(0)
    } finally {
      answer() // or the runner never ends
    }
    await expect.poll(slowOnes).toBeGreaterThan(8)
  })
})
