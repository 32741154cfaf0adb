import { KeyhavenError } from '@keyhaven/crypto'
import type { EventModel } from '@keyhaven/identity'
import { simulatedPerson } from '@keyhaven/identity/simulator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestHolder, testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { createEventRenewal } from '../packages/server/src/identity/credentials/renew-event.ts'
import { createDeliverer } from '../packages/server/src/identity/events/run-deliveries.ts'
import { ENGINES } from './kit/engines.ts'
import { MANAGER, openRegistrationWorld, type RegistrationWorld } from './kit/identity-registration.ts'

const IDA = 'ida-1'
const POLICY = 'mpolicy-default-auth'
const BY = 'token:test'

describe.each(ENGINES)('a share that ends before its partner has it, on $name', (engine) => {
  let world: RegistrationWorld
  let holder: TestHolder
  let status = 200
  const posted: EventModel[] = []
  beforeAll(async () => {
    world = await openRegistrationWorld(engine, false)
    holder = await world.partner(IDA, 'Online_Verification_Partner', 'mpolicygroup-default-auth', 2)
    await world.subscribe(IDA, POLICY)
    const { certificate } = await testHolder(3, { subject: { commonName: 'IDA', organisation: 'IDA' } })
    await world.main.vault.recipients.add(IDA, certificate.der, BY)
    await world.main.vault.vault.createPool(BY)
    await world.main.partners.partners.setWebhook(IDA, { url: 'https://ida.example/', secret: null }, MANAGER)
    await deliver() // what an IDA hears of partners
  })
  afterAll(() => world.dispose())

  const deliver = async (): Promise<string> => {
    const { partners, credentials } = world.main
    const post = async (_url: string, _headers: object, body: Uint8Array) => {
      posted.push(JSON.parse(Buffer.from(body).toString()) as EventModel)
      return { status }
    }
    const renewal = {
      datashare: partners.datashare,
      credentials: () => credentials,
      events: partners.eventStore,
    }
    try {
      await createDeliverer(partners, { post }, createEventRenewal(renewal)).deliver(IDA, async () => {})
      return 'delivered'
    } catch (error) {
      return error instanceof KeyhavenError ? error.code : String(error)
    }
  }
  /** @returns the request's id and the number. */
  const issue = async (rid: string): Promise<{ request: string; uin: string }> => {
    const { repository, credentials } = world.main
    const { uin } = await repository.giveUin(rid)
    await repository.add({ rid, identity: { ...simulatedPerson(rid).fields, UIN: uin }, files: [] })
    const request = `${rid}-${IDA}`
    const order = { requestId: request, id: uin, idType: 'UIN', partner: IDA, policyId: POLICY } as const
    await credentials.request({ ...order, credentialType: 'auth' })
    await credentials.issue(request)
    return { request, uin }
  }
  const share = async (request: string) => (await world.main.credentials.status(request))!.dataShareUri!
  const change = (url: string, to: { remaining?: number; expires_at?: number }) =>
    world.state.db
      .updateTable('identity_shares')
      .set(to)
      .where('share_key', '=', url.split('/').at(-1)!)
      .execute()
  const eventsOf = async (request: string) => {
    const rows = await world.state.db.selectFrom('identity_events').selectAll().orderBy('sequence').execute()
    return rows.filter(({ body }) => body.includes(request)).map((row) => row.state)
  }

  test.each([
    ['used up by reads that the partner could not end', { remaining: 0 }],
    ['expired while the partner was away', { expires_at: 1 }],
  ])('%s: it gets another in the old event’s place', async (why, ended) => {
    const { request } = await issue(`rid-${why.slice(0, 4)}`)
    status = 503
    expect(await deliver()).toBe('UPSTREAM_FAILED')
    const first = posted.at(-1)!
    await change(await share(request), ended)
    expect(await deliver()).toBe('UPSTREAM_FAILED')
    status = 200
    expect(await deliver()).toBe('delivered')
    const last = posted.at(-1)!
    expect(posted.at(-2)).toEqual(last)
    expect(last.event.dataShareUri).not.toBe(first.event.dataShareUri)
    expect(last.event).toMatchObject({ transactionId: request, timestamp: first.event.timestamp })
    expect(last.event.dataShareUri).toBe(await share(request))
    const credential = JSON.parse(Buffer.from(await world.readShare(await share(request), holder)).toString())
    expect(credential).toMatchObject({ issuedTo: IDA, issuanceDate: first.event.timestamp })
    expect(await eventsOf(request)).toEqual(['delivered'])
  })

  test('one that can be read stays', async () => {
    const { request } = await issue('rid-stays')
    const before = await share(request)
    status = 500
    expect(await deliver()).toBe('UPSTREAM_FAILED')
    status = 200
    expect(await deliver()).toBe('delivered')
    expect(posted.at(-1)!.event.dataShareUri).toBe(before)
  })

  test('nobody is told of who is blocked meanwhile, and those behind do not wait for it', async () => {
    const { request, uin } = await issue('rid-blocked')
    await change(await share(request), { remaining: 0 })
    const { request: behind } = await issue('rid-behind')
    await world.main.repository.setStatus(uin, 'UIN', 'BLOCKED', BY)
    const from = posted.length
    expect(await deliver()).toBe('delivered')
    expect(await eventsOf(request)).toContain('dead')
    expect(await eventsOf(behind)).toEqual(['delivered'])
    expect(posted.slice(from).some(({ event }) => event.transactionId === request)).toBe(false)
  })

  test('nor of a credential that was issued once more since: that one comes', async () => {
    const { request } = await issue('rid-again')
    await change(await share(request), { remaining: 0 })
    const { db } = world.state
    await db
      .updateTable('identity_credentials')
      .set({ state: 'NEW' })
      .where('request_id', '=', request)
      .execute()
    await world.main.credentials.issue(request)
    expect(await deliver()).toBe('delivered')
    expect(await eventsOf(request)).toEqual(['dead', 'delivered'])
    expect(posted.at(-1)!.event.dataShareUri).toBe(await share(request))
  })
})
