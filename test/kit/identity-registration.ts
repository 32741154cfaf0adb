import { join } from 'node:path'
import { backend, fromUtf8 } from '@keyhaven/crypto'
import {
  type CapturedBiometric,
  certificateToPem,
  createCaptureMemory,
  createRegistrationClient,
  fromAnyBase64,
  type MachineKey,
  machineKeyIndex,
  type OperatorSession,
  openHybrid,
  type PartnerType,
  type RegistrationClient,
  softwareMachineKey,
} from '@keyhaven/identity'
import {
  createSimulatedDevice,
  createSimulatedTrust,
  SIMULATED_SCHEMA,
  type SimulatedDevice,
  simulatedDocument,
  simulatedPerson,
} from '@keyhaven/identity/simulator'
import { vi } from 'vitest'
import { type TestHolder, testHolder, testKey } from '../../packages/identity/test/kit/test-keys.ts'
import { useTestKeys } from '../../packages/identity/test/kit/use-test-keys.ts'
import type { IdentityBase } from '../../packages/server/src/identity/identity-base.ts'
import { createMainParts, type MainParts } from '../../packages/server/src/identity/main-parts.ts'
import { createTokenStore } from '../../packages/server/src/platform/auth/token-store.ts'
import { createLogger } from '../../packages/server/src/platform/log/logger.ts'
import { createMetricsRegistry } from '../../packages/server/src/platform/metrics/registry.ts'
import { createDiskStore } from '../../packages/server/src/platform/objects/disk-store.ts'
import type { ObjectStore } from '../../packages/server/src/platform/objects/object-store.ts'
import type { State } from '../../packages/server/src/platform/state/state.ts'
import { createStateFixture, type Engine } from './engines.ts'

export const APPLICATION = 'demo'
export const STATION = { centreId: '10001', machineId: '10077' }
export const REF_ID = '10001_10077'
export const MANAGER = { actor: 'token:manager' }
const MACHINE_KEY = 5
const AUTHORITY_KEY = 1
const DAY_MS = 86_400_000
const ADMIN_TOKEN = 'kh_registration-tests-0123456789abcdefghijkl'

/** The main role as a server has it, one registration client and its devices, and partners of an authority. */
export interface RegistrationWorld {
  readonly state: State
  readonly objects: ObjectStore
  readonly main: MainParts
  readonly machineKey: MachineKey
  readonly client: RegistrationClient
  readonly camera: SimulatedDevice
  readonly authority: TestHolder
  /** Who is signed in at the client. */
  operator: OperatorSession | undefined
  capture(person: string): Promise<readonly CapturedBiometric[]>
  /** A packet of a made-up person, as the client builds it. */
  packet(person: string): Promise<{ rid: string; fileName: string; bytes: Uint8Array }>
  upload(packet: { fileName: string; bytes: Uint8Array }): Promise<void>
  /** Waits until a registration is in this stage. */
  reaches(rid: string, stage: string): Promise<void>
  partner(id: string, type: PartnerType, group: string, key: number): Promise<TestHolder>
  subscribe(partnerId: string, policyId: string): Promise<void>
  /** Events for a partner, oldest first. */
  events(
    partnerId: string,
  ): Promise<readonly { topic: string; event: { dataShareUri?: string; data: object } }[]>
  /** What the holder of a partner's key reads at the address of a share. */
  readShare(url: string, holder: TestHolder): Promise<Uint8Array>
  /** Layout C, as text, in a column or an object: whom it is sealed to, and what is in it. */
  openStored(appId: 'ID_REPO' | 'REGISTRATION', refId: string, text: Uint8Array): Promise<Uint8Array>
  dispose(): Promise<void>
}

/** @param schedule - false: jobs are kept and nobody runs them. */
export async function openRegistrationWorld(engine: Engine, schedule = true): Promise<RegistrationWorld> {
  const restore = useTestKeys()
  const fixture = await createStateFixture(engine, { KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0' })
  const state = await fixture.open({ schedule: false })
  const objects = createDiskStore(join(fixture.folder, 'objects'))
  const closers: (() => Promise<void> | void)[] = []
  const { identity } = fixture.config
  if (identity === undefined) throw new Error('the identity capability is off')
  const base: IdentityBase = {
    ...{ role: 'main', profile: 'mosip', applicationId: APPLICATION, config: fixture.config, identity },
    ...{ clock: Date.now, logger: createLogger('silent'), metrics: createMetricsRegistry(), state, objects },
    ...{ schedule, url: () => 'https://id.example.org', every: () => {} },
    onClose: (work) => closers.unshift(work),
  }
  const main = createMainParts(base, createTokenStore(state, ADMIN_TOKEN, Date.now), undefined, undefined)
  const { certificates, policies, partners, datashare } = main.partners
  const authority = await testHolder(AUTHORITY_KEY, {
    ...{ ca: true, subject: { commonName: 'Invented Authority', organisation: 'Invented Authority' } },
  })
  await certificates.uploadAuthorities('AUTH', certificateToPem(authority.certificate), MANAGER)
  await policies.installDefaults(MANAGER)

  const machineKey = softwareMachineKey(backend, await testKey(MACHINE_KEY))
  const { stations, packets } = main.registrations
  await stations.addCentre({ id: STATION.centreId, name: 'Invented Town Hall' }, 'token:admin')
  const machine = { centre: STATION.centreId, id: STATION.machineId, publicKey: machineKey.publicKeySpki }
  await stations.addMachine(machine, 'token:admin')

  let nextKey = 2
  const trust = await createSimulatedTrust(backend, {
    at: Date.now() - 60_000,
    newKey: () => testKey(nextKey++ % MACHINE_KEY),
  })
  const device = { trust, level: 'L1', now: Date.now } as const
  const camera = await createSimulatedDevice(backend, { ...device, type: 'Face', serialNo: '100000000001' })
  let operator: OperatorSession | undefined
  let sequence = 0
  const client = createRegistrationClient(backend, {
    station: STATION,
    machine: {
      refId: REF_ID,
      keyIndex: await machineKeyIndex(machineKey.publicKeySpki),
      until: Date.now() + DAY_MS,
    },
    keys: {
      ...{ profile: 'mosip', machineKey },
      recipient: await main.keys.recipient({ appId: 'REGISTRATION', refId: REF_ID }),
    },
    schema: SIMULATED_SCHEMA,
    trust: { ...trust.anchors, revoked: () => false },
    memory: createCaptureMemory(Date.now),
    operator: () => operator,
    now: Date.now,
    nextSequence: () => sequence++,
    environment: 'Developer',
  })

  const world: RegistrationWorld = {
    ...{ state, objects, main, machineKey, client, camera, authority },
    get operator() {
      return operator
    },
    set operator(value) {
      operator = value
    },
    async capture(person) {
      const request = client.requestCapture()
      const answer = await camera.capture({ request, person, parts: [{ type: 'Face', subtype: '' }] })
      return client.accept(request, answer)
    },
    async packet(person) {
      const { stream, ...rest } = await client.build({
        process: 'NEW',
        fields: { ...simulatedPerson(person).fields },
        documents: new Map([['proofOfAddress', simulatedDocument(person, 'RNC')]]),
        biometrics: new Map([['individualBiometrics', await world.capture(person)]]),
      })
      const pieces: Uint8Array[] = []
      for await (const piece of stream) pieces.push(piece)
      return { ...rest, bytes: new Uint8Array(Buffer.concat(pieces)) }
    },
    async upload({ fileName, bytes }) {
      const id = packets.newId()
      const packet = await packets.create({ id, fileName, bytes: bytes.length, actor: 'token:client' })
      await packets.append(packet, bytes)
    },
    async reaches(rid, stage) {
      await vi.waitUntil(async () => (await main.registrations.find(rid))?.stage === stage, {
        timeout: 60_000,
        interval: 30,
      })
    },
    async partner(id, type, group, key) {
      const organisation = `${id} Ltd`
      await partners.register({ id, type, organisation, groupId: group }, MANAGER)
      const holder = await testHolder(key, { issuedBy: authority, subject: { commonName: id, organisation } })
      await certificates.uploadCertificate(id, certificateToPem(holder.certificate), MANAGER)
      await partners.setActive(id, true, 'a test', MANAGER)
      return holder
    },
    async subscribe(partnerId, policyId) {
      const asked = await partners.requestPolicy({ partnerId, policyId, purpose: 'a test' }, MANAGER)
      await partners.decideSubscription(asked.id, { approve: true, reason: 'a test' }, MANAGER)
    },
    async events(partnerId) {
      const rows = await state.db
        .selectFrom('identity_events')
        .select('body')
        .where('application_id', '=', APPLICATION)
        .orderBy('sequence')
        .execute()
      const all = rows.map(({ body }) => JSON.parse(body) as { topic: string; event: { data: object } })
      return all.filter(({ topic }) => topic.startsWith(`${partnerId}/`))
    },
    async readShare(url, holder) {
      const [policyId = '', subscriberId = '', key = ''] = new URL(url).pathname.split('/').slice(-3)
      const reader = { actor: `partner:${subscriberId}` }
      const share = await datashare.read({ policyId, subscriberId, key, reader, resumes: false })
      const sealed = (await objects.get(share.object))!
      return openHybrid(backend, holder.opener, fromAnyBase64(fromUtf8(sealed)))
    },
    openStored: (appId, refId, text) =>
      openHybrid(backend, main.keys.opener({ appId, refId }), fromAnyBase64(fromUtf8(text))),
    async dispose() {
      for (const close of closers) await close()
      restore()
      await fixture.dispose()
    },
  }
  return world
}
