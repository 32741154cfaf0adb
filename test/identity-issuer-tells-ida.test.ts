import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { backend } from '../packages/crypto/src/node/index.ts'
import {
  buildPacket,
  type PacketInput,
  parseCertificate,
  softwareMachineKey,
} from '../packages/identity/src/index.ts'
import { simulatedRegistration } from '../packages/identity/src/simulator/index.ts'
import { testKey } from '../packages/identity/test/kit/test-keys.ts'
import { ENGINES } from './kit/engines.ts'
import { TEST_ADMIN_TOKEN } from './kit/server-process.ts'
import { startTestServer, type TestServer } from './kit/test-server.ts'

// The steps of docs/guides/identity.md, on an issuer and an IDA with listeners and databases of their own.

const IDENTITY = { KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0' }
const STATION = { centreId: '10001', machineId: '10077' }
const OFFICER = '110125'
const IDA = 'mpartner-default-auth'
const SOON = { timeout: 60_000, interval: 100 }

let issuer: TestServer
let ida: TestServer
let early: string
let rid: string

beforeAll(async () => {
  issuer = await startTestServer(ENGINES[0]!, { ...IDENTITY, KEYHAVEN_WEBHOOKS_PRIVATE: 'on' })
  const settings = { KEYHAVEN_ROLE: 'ida', KEYHAVEN_ISSUER_URL: issuer.identityUrl! }
  ida = await startTestServer(ENGINES[0]!, { ...IDENTITY, ...settings })
  await openStation()
  early = await register('person-0', 1)
  await vi.waitUntil(async () => (await stageOf(early)) === 'CREDENTIALS_ISSUED', SOON)
  await connectIda()
})
afterAll(async () => {
  await ida?.dispose()
  await issuer?.dispose()
})

async function of(server: TestServer, method: string, path: string, body?: unknown) {
  const answer = await server.admin(method, path, body)
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}
const operate = (method: string, path: string, body?: unknown) =>
  of(issuer, method, `/applications/demo/identity${path}`, body)

async function connectIda(): Promise<void> {
  const vault = '/identity/vault'
  await of(issuer, 'POST', `${vault}/pool`)
  const key = await of(ida, 'GET', '/identity/authentication/partner-key')
  const transport = '/applications/demo/identity/keys/certificate?applicationId=IDA&referenceId=CRED_SERVICE'
  const { certificate } = await of(ida, 'GET', transport)
  await of(issuer, 'POST', `${vault}/recipients`, { partner: IDA, certificate })
  await operate('POST', '/policies/defaults', {})
  await operate('POST', '/authorities', { domain: 'AUTH', pem: key.chain })
  await operate('POST', '/partners', {
    ...{ id: IDA, type: 'Online_Verification_Partner', organisation: 'Keyhaven identity' },
    groupId: 'mpolicygroup-default-auth',
  })
  await operate('POST', `/partners/${IDA}/certificate`, { pem: key.certificate })
  const url = `${ida.identityUrl}/idauthentication/v1/callback/events`
  await operate('POST', `/partners/${IDA}/webhook`, { url, secret: null })
  const asked = { partnerId: IDA, policyId: 'mpolicy-default-auth', purpose: 'authentication' }
  const { id } = await operate('POST', '/subscriptions', asked)
  await operate('POST', `/subscriptions/${id}/decide`, { approve: true, reason: 'our own' })
  await operate('POST', `/partners/${IDA}/state`, { active: true, reason: 'our own' })
}

async function openStation(): Promise<void> {
  const machine = await testKey(0)
  await operate('POST', '/centres', { id: STATION.centreId, name: 'Town hall' })
  const publicKey = Buffer.from(machine.publicKey.spki).toString('base64')
  await operate('POST', '/machines', { centre: STATION.centreId, id: STATION.machineId, publicKey })
  await operate('POST', '/officers', { officer: OFFICER })
}

async function register(
  seed: string,
  sequence: number,
  edit: (input: PacketInput) => PacketInput = (input) => input,
): Promise<string> {
  const machine = await testKey(0)
  const k11 = await operate('GET', '/keys/certificate?applicationId=REGISTRATION&referenceId=10001_10077')
  const recipient = parseCertificate(k11.certificate)
  // Whole seconds: the officer is one from now on.
  const at = Math.ceil(Date.now() / 1_000) * 1_000
  const { input } = simulatedRegistration(seed, { station: STATION, sequence, at, officerId: OFFICER })
  const packet = await buildPacket(
    backend,
    edit(input),
    { machineKey: softwareMachineKey(backend, machine), recipient },
    { at },
  )
  const form = new FormData()
  form.append('file', new File([packet.bytes as Uint8Array<ArrayBuffer>], packet.fileName))
  const path = '/registrationprocessor/v1/packetreceiver/registrationpackets'
  const headers = { authorization: `Bearer ${TEST_ADMIN_TOKEN}` }
  const answer = await fetch(`${issuer.identityUrl}${path}`, { method: 'POST', headers, body: form })
  expect(await answer.json()).toMatchObject({ response: { status: 'PACKET_RECEIVED' } })
  return input.rid
}

/** How many events of a topic the IDA has taken. */
async function taken(topic: string): Promise<number> {
  const { items } = await operate('GET', '/events?limit=200')
  const of = items.filter((event: { topic: string }) => event.topic === topic)
  return of.filter((event: { state: string }) => event.state === 'delivered').length
}
const stageOf = async (of: string) => (await operate('GET', `/registrations/${of}`)).stage
const setStatus = (status: string) => operate('POST', `/registrations/${rid}/identity/status`, { status })

test('whoever was registered before the IDA came becomes known at it', async () => {
  await expect.poll(() => taken('CREDENTIAL_ISSUED'), SOON).toBe(1)
  expect(await of(ida, 'GET', '/identity/vault')).toMatchObject({ records: 1, openConflicts: 0 })
  const { backfills } = await of(issuer, 'GET', '/identity/vault')
  const counts = { people: 1, total: 1, issued: 1, waiting: 0, failed: 0 }
  expect(backfills).toMatchObject([{ partner: IDA, state: 'done', ...counts, startedBy: 'token:admin' }])
})

test('a person who is registered becomes known at the IDA', async () => {
  rid = await register('person-1', 2)
  await expect.poll(() => stageOf(rid), SOON).toBe('CREDENTIALS_ISSUED')
  await expect.poll(() => taken('CREDENTIAL_ISSUED'), SOON).toBe(2)
  expect(await of(ida, 'GET', '/identity/vault')).toMatchObject({ records: 2, openConflicts: 0 })
})

test('the IDA hears that somebody is blocked, and that he is active again, of the VIDs too', async () => {
  const { vid } = await operate('POST', `/registrations/${rid}/vids`, { type: 'Perpetual' })
  await expect.poll(() => taken('CREDENTIAL_ISSUED'), SOON).toBe(3)
  expect(await setStatus('BLOCKED')).toMatchObject({ status: 'BLOCKED' })
  await expect.poll(() => taken('DEACTIVATE_ID'), SOON).toBe(2)
  expect(await setStatus('DEACTIVATED')).toMatchObject({ status: 'DEACTIVATED' })
  expect(await setStatus('ACTIVATED')).toMatchObject({ status: 'ACTIVATED' })
  await expect.poll(() => taken('ACTIVATE_ID'), SOON).toBe(2)
  expect(vid).toMatch(/^\d{16}$/)
})

test('other data of a person reach the IDA, under the UIN and under each VID', async () => {
  const { items } = await operate('GET', `/registrations/${rid}/vids`)
  const headers = { authorization: `Bearer ${TEST_ADMIN_TOKEN}` }
  const read = await fetch(`${issuer.identityUrl}/idrepository/v1/vid/${items[0].vid}`, { headers })
  const { response } = (await read.json()) as { response: { UIN: string } }
  const fullName = [{ language: 'eng', value: 'Renamed Example' }]
  const updated = await register('person-1', 3, (input) => ({
    ...{ ...input, process: 'UPDATE', documents: new Map() },
    fields: { UIN: response.UIN, fullName },
  }))
  await expect.poll(() => stageOf(updated), SOON).toBe('CREDENTIALS_ISSUED')
  await expect.poll(() => taken('CREDENTIAL_ISSUED'), SOON).toBe(5)
  expect(await of(ida, 'GET', '/identity/vault')).toMatchObject({ records: 3, openConflicts: 0 })
  // Operators name the person by either registration.
  expect(await operate('GET', `/registrations/${updated}/identity`)).toEqual(
    await operate('GET', `/registrations/${rid}/identity`),
  )
})

test('the IDA hears that a VID is revoked', async () => {
  const { items } = await operate('GET', `/registrations/${rid}/vids`)
  await operate('POST', `/registrations/${rid}/vids/revocation`, { vid: items[0].vid })
  await expect.poll(() => taken('REMOVE_ID'), SOON).toBe(1)
  expect(await of(ida, 'GET', '/identity/vault')).toMatchObject({ records: 2 })
})
