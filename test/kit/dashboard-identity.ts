import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { backend } from '@keyhaven/crypto'
import { buildPacket, certificateToPem, parseCertificate, softwareMachineKey } from '@keyhaven/identity'
import type { AuthenticationEnd } from '@keyhaven/identity/service'
import { simulatedRegistration } from '@keyhaven/identity/simulator'
import { type TestHolder, testHolder, testKey } from '../../packages/identity/test/kit/test-keys.ts'
import { createAuthenticationStore } from '../../packages/server/src/identity/ida/authentication-store.ts'
import { type DashboardKit, startDashboard } from './dashboard.ts'
import { createStateFixture, ENGINES } from './engines.ts'

export const APP = 'demo'
/** With an approved policy, a certificate, a share and an API key. */
export const PARTNER = 'print-partner-1'
/** Without a certificate; it waits for a policy. */
export const WAITING_PARTNER = 'adjudication-partner-with-a-rather-long-name'
/** Gets events, and has no webhook. */
export const IDA_PARTNER = 'ida-1'
export const SHARE_POLICY = 'mpolicy-default-qrcode'
export const ORGANISATION = 'Invented Printers'
/** Of the made-up person in the packet that is taken. */
const SEED = 'Example Person 1'
const STATION = { centreId: '10001', machineId: '10077' }
const MACHINE_KEY = 3
const IDENTITY = `/applications/${APP}/identity`
const PATIENCE_MS = 20_000

export interface IdentityDashboard extends DashboardKit {
  /** One that went through to the end, and one that was refused. */
  readonly registrations: { readonly complete: string; readonly rejected: string }
  /** Every text of the made-up person's packet that no page may show. */
  readonly personal: readonly string[]
  /** Tokens by role. */
  readonly tokens: Readonly<Record<'partner-manager' | 'auditor', string>>
  /** Asks for the share's data as a service would. @returns MOSIP's answer. */
  readShare(): Promise<Response>
}

/** An issuer with a little of everything: registrations, partners, policies, shares, events and a pool. */
export async function startIdentityDashboard(): Promise<IdentityDashboard> {
  const dataDir = await mkdtemp(join(tmpdir(), 'keyhaven-identity-'))
  const kit = await startDashboard({
    KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0',
    KEYHAVEN_DATA_DIR: dataDir,
  })
  const tokenOf = async (role: string) =>
    (await kit.admin<{ token: string }>('POST', '/tokens', { name: role, roles: [role] })).token
  const tokens = {
    'partner-manager': await tokenOf('partner-manager'),
    auditor: await tokenOf('auditor'),
  }
  await kit.admin('POST', '/identity/vault/pool')
  const registered = await register(kit, await tokenOf('registration-officer'))
  await setUpPartners(kit)
  const share = await createShare(kit, await tokenOf('identity-service'))
  spoil(join(dataDir, 'keyhaven.db'))
  return {
    ...{ ...kit, ...registered, tokens, readShare: share },
    close: async () => {
      await kit.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function register(kit: DashboardKit, token: string) {
  const machine = softwareMachineKey(backend, await testKey(MACHINE_KEY))
  const publicKey = Buffer.from(machine.publicKeySpki).toString('base64')
  const { centreId: centre, machineId: id } = STATION
  await kit.admin('POST', `${IDENTITY}/centres`, { id: centre, name: 'Invented Town Hall' })
  await kit.admin('POST', `${IDENTITY}/centres`, { id: '10002', name: 'A closed town hall' })
  await kit.admin('POST', `${IDENTITY}/centres/10002/close`)
  await kit.admin('POST', `${IDENTITY}/machines`, { centre, id, publicKey })
  await kit.admin('POST', `${IDENTITY}/officers`, { officer: 'officer-1' })
  const { certificate } = await kit.admin<{ certificate: string }>(
    'GET',
    `${IDENTITY}/keys/certificate?applicationId=REGISTRATION&referenceId=${centre}_${id}`,
  )
  const { thumbprint, publicKey: key } = parseCertificate(certificate)
  if (!('modulusBits' in key)) throw new TypeError('K11 is an RSA key')
  const keys = { machineKey: machine, recipient: { thumbprint, publicKey: key } }
  const upload = async (seed: string, sequence: number, officerId: string) => {
    const at = Date.now()
    const { input, person } = simulatedRegistration(seed, { station: STATION, sequence, at, officerId })
    const { fileName, bytes } = await buildPacket(backend, input, keys, { at })
    const form = new FormData()
    form.append('file', new File([Uint8Array.from(bytes)], fileName))
    const answer = await fetch(
      `${kit.server.identityUrl}/registrationprocessor/v1/packetreceiver/registrationpackets`,
      { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: form },
    )
    if (!(await answer.text()).includes('PACKET_RECEIVED')) throw new Error('the packet was not received')
    return { rid: input.rid, person }
  }
  const complete = await upload(SEED, 1, 'officer-1')
  const rejected = await upload('Example Person 2', 2, 'officer-who-is-not-registered')
  await stageOf(kit, complete.rid, 'CREDENTIALS_ISSUED')
  await stageOf(kit, rejected.rid, 'REJECTED')
  const { fullName, dateOfBirth, phone, email, postalCode } = complete.person.fields
  const personal = [...fullName.map(({ value }) => value), dateOfBirth, phone, email, postalCode]
  return { registrations: { complete: complete.rid, rejected: rejected.rid }, personal }
}

async function stageOf(kit: DashboardKit, rid: string, wanted: string): Promise<void> {
  const until = Date.now() + PATIENCE_MS
  for (;;) {
    const { stage, reason } = await kit.admin<{ stage: string; reason: string | null }>(
      'GET',
      `${IDENTITY}/registrations/${rid}`,
    )
    if (stage === wanted) return
    if (Date.now() > until) throw new Error(`${rid} is ${stage} (${reason}), not ${wanted}`)
    await setTimeout(25)
  }
}

async function setUpPartners(kit: DashboardKit): Promise<void> {
  const post = <T>(path: string, body: unknown) => kit.admin<T>('POST', `${IDENTITY}${path}`, body)
  const authority = await testHolder(1, { ca: true, subject: { commonName: 'Invented Authority' } })
  await post('/authorities', { domain: 'AUTH', pem: certificateToPem(authority.certificate) })
  await post('/policies/defaults', {})
  const { groupId } = await kit.admin<{ groupId: string }>('GET', `${IDENTITY}/policies/${SHARE_POLICY}`)
  const add = async (id: string, type: string, organisation: string, issuer?: TestHolder) => {
    await post('/partners', { id, type, organisation, groupId })
    if (issuer === undefined) return
    const holder = await testHolder(2, { issuedBy: issuer, subject: { commonName: id, organisation } })
    await post(`/partners/${id}/certificate`, { pem: certificateToPem(holder.certificate) })
    await post(`/partners/${id}/state`, { active: true, reason: 'a test' })
  }
  const subscribe = (partnerId: string, policyId: string) =>
    post<{ id: string }>('/subscriptions', { partnerId, policyId, purpose: 'cards for people' })
  await add(IDA_PARTNER, 'Online_Verification_Partner', 'Invented Authenticators', authority)
  await add(PARTNER, 'Print_Partner', ORGANISATION, authority)
  await add(WAITING_PARTNER, 'Manual_Adjudication', 'Invented Adjudicators')
  const { id } = await subscribe(PARTNER, SHARE_POLICY)
  await post(`/subscriptions/${id}/decide`, { approve: true, reason: 'the order was checked' })
  await post(`/partners/${PARTNER}/api-keys`, { policyId: SHARE_POLICY, label: 'first branch' })
  await subscribe(WAITING_PARTNER, SHARE_POLICY)
}

/** Data that was shared, and one refusal. @returns what reads the data once. */
async function createShare(kit: DashboardKit, token: string): Promise<() => Promise<Response>> {
  const headers = { authorization: `Bearer ${token}` }
  const create = async (partner: string) => {
    const form = new FormData()
    form.append('file', new File(['{}'], 'data.json'))
    const url = `${kit.server.identityUrl}/v1/datashare/create/${SHARE_POLICY}/${partner}`
    const answer = await fetch(url, { method: 'POST', headers, body: form })
    return (await answer.json()) as { dataShare: { url: string } | null }
  }
  const { dataShare } = await create(PARTNER)
  if (dataShare === null) throw new Error('nothing was shared')
  await create(WAITING_PARTNER)
  return () => fetch(dataShare.url, { headers })
}

/** An event that was tried too often, and a second key for an index: hours and attacks that no test waits for. */
function spoil(file: string): void {
  const database = new DatabaseSync(file)
  database.exec('pragma busy_timeout = 5000')
  const { changes } = database
    .prepare(
      `update identity_events set state = 'dead', attempts = 12, failure = 'UPSTREAM_FAILED: the webhook answered 503'
       where id = (select id from identity_events order by sequence limit 1)`,
    )
    .run()
  if (changes !== 1) throw new Error('there is no event')
  database
    .prepare(
      `insert into identity_pool_conflicts
         (application_id, owner, profile, id, kind, key_index, key_check, other_check, source, seen_at)
       values (?, 'identity', 'mosip', '0d3a4c1e-8f0b-4a53-9a55-0d1f5a3f7a10', 'create', 4711, 'A', 'B', 'token:x', ?)`,
    )
    .run(APP, Date.now())
  database.close()
}

const ANSWERS: readonly Omit<AuthenticationEnd, 'id' | 'failed' | 'token'>[] = [
  { kind: 'auth', actor: 'partner:bank-1', result: 'yes', types: ['demo', 'bio'], errors: [] },
  { kind: 'kyc', actor: 'partner:bank-1', result: 'yes', types: ['otp'], errors: [] },
  { kind: 'auth', actor: 'partner:shop-2', result: 'no', types: ['demo'], errors: ['IDA-DEA-001'] },
  { kind: 'otp', actor: 'partner:shop-2', result: 'refused', types: [], errors: ['IDA-MPA-003'] },
]

/** An IDA that has answered: two requests of each of two partners. */
export async function startIdaDashboard(): Promise<DashboardKit> {
  const fixture = await createStateFixture(ENGINES[0]!)
  const state = await fixture.open({ schedule: false })
  const store = createAuthenticationStore(state, APP, Date.now)
  for (const answer of ANSWERS) {
    await store.end({ ...answer, id: crypto.randomUUID(), token: null, failed: [] })
  }
  await state.close()
  const kit = await startDashboard({
    ...fixture.env,
    KEYHAVEN_ROLE: 'ida',
    KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0',
  })
  return {
    ...kit,
    close: async () => {
      await kit.close()
      await rm(fixture.folder, { recursive: true, force: true })
    },
  }
}
