import { REGISTRATION_STAGES, type RegistrationStage } from '@keyhaven/identity'
import type { IdentityRepository } from '@keyhaven/identity/service'
import type { SimulatedPerson } from '@keyhaven/identity/simulator'
import { expect } from 'vitest'
import { PROFILES, type Profile } from '../../packages/identity/src/index.ts'
import { fromAnyBase64 } from '../../packages/identity/src/mosip/base64.ts'
import { mosipAttributeIndex } from '../../packages/identity/src/vault/mosip-attribute.ts'
import { readVaultHeader } from '../../packages/identity/src/vault/vault-attribute.ts'
import { createIdentityKeys } from '../../packages/server/src/identity/keys/create-identity-keys.ts'
import { REGISTRATION_QUEUE } from '../../packages/server/src/identity/registration/registrations.ts'
import { openIdentityRepository } from '../../packages/server/src/identity/repository/repository.ts'
import { openObjectStore } from '../../packages/server/src/platform/objects/open-object-store.ts'
import type { State } from '../../packages/server/src/platform/state/state.ts'
import type { StateFixture } from './engines.ts'
import type { MadePacket } from './identity-system.ts'

export const APPLICATION = 'demo'
const LAST_STAGE = 'CREDENTIALS_ISSUED'
const hasReached = (stage: RegistrationStage, wanted: RegistrationStage) =>
  REGISTRATION_STAGES.indexOf(stage) >= REGISTRATION_STAGES.indexOf(wanted)

/** Of the key of the oblivious PRF, as long as nobody rotates it; 0 in profile `mosip`. */
const oprfKeyOf = (profile: Profile) => (profile === 'keyhaven' ? 1 : 0)

/** Tables of a profile have the columns of the other's. */
const tablesOf = (profile: Profile) => ({
  records: `identity_records_${profile}` as 'identity_records_mosip',
  versions: `identity_versions_${profile}` as 'identity_versions_mosip',
  idaRecords: `ida_records_${profile}` as 'ida_records_mosip',
  idaAttributes: `ida_attributes_${profile}` as 'ida_attributes_mosip',
  idaPool: `ida_pool_keys_${profile}` as 'ida_pool_keys_mosip',
})

/** As its process is started. */
export function profileOf({ env }: StateFixture): Profile {
  return env.KEYHAVEN_IDENTITY_PROFILE === 'keyhaven' ? 'keyhaven' : 'mosip'
}

/**
 * What holds of registrations at every moment: what was acknowledged is there; each stage once and none left out; a
 * job as long as there is something to do; one person for each registration, whole, and none in the other profile.
 *
 * @param received - registration ids whose packets were acknowledged.
 * @returns how many registrations are in which stage.
 */
async function expectRegistrationsWhole(
  state: State,
  profile: Profile,
  repository: IdentityRepository,
  received: ReadonlySet<string>,
): Promise<ReadonlyMap<string, number>> {
  expect(await state.audit.verify()).toMatchObject({ valid: true })
  const registrations = await state.db.selectFrom('identity_registrations').selectAll().execute()
  const events = await state.db
    .selectFrom('identity_registration_events')
    .select(['rid', 'stage'])
    .orderBy('rid')
    .orderBy('sequence')
    .execute()
  const stagesOf = Map.groupBy(events, ({ rid }) => rid)
  const jobs = await state.db
    .selectFrom('identity_jobs')
    .selectAll()
    .where('queue', '=', REGISTRATION_QUEUE)
    .execute()
  const jobsOf = Map.groupBy(jobs, ({ payload }) => JSON.parse(payload).rid as string)
  const tables = tablesOf(profile)
  const records = await state.db.selectFrom(tables.records).selectAll().execute()
  const recordsOf = Map.groupBy(records, ({ rid }) => rid)
  const versions = await state.db.selectFrom(tables.versions).select('record').execute()

  const known = new Set(registrations.map(({ rid }) => rid))
  expect(received.difference(known)).toEqual(new Set())
  const counts = new Map<string, number>()
  const uins = new Set<string>()
  for (const registration of registrations) {
    const { rid, record } = registration
    const stage = registration.stage as RegistrationStage
    counts.set(stage, (counts.get(stage) ?? 0) + 1)
    const reached = REGISTRATION_STAGES.indexOf(stage)
    expect(stagesOf.get(rid)?.map((event) => event.stage)).toEqual(REGISTRATION_STAGES.slice(0, reached + 1))
    const waiting = jobsOf.get(rid) ?? []
    expect(waiting.length).toBe(stage === LAST_STAGE ? 0 : 1)
    expect(waiting.every((job) => job.state === 'waiting')).toBe(true)
    const person = recordsOf.get(rid) ?? []
    expect(person.length).toBeLessThanOrEqual(1)
    if (hasReached(stage, 'UIN_GIVEN')) expect(person[0]?.record).toBe(record)
    if (!hasReached(stage, 'STORED')) continue
    expect(versions.filter((row) => row.record === record).length).toBe(1)
    const uin = await repository.uinOf(rid)
    const found = await repository.retrieve(uin, 'UIN', ['Biometrics', 'Demographics'])
    expect(found).toMatchObject({ rid, version: 1 })
    expect(found.files.length).toBe(3)
    expect(uins.has(uin)).toBe(false)
    uins.add(uin)
  }
  // No number without its registration.
  for (const { rid } of records) expect(known.has(rid)).toBe(true)
  for (const other of PROFILES.filter((one) => one !== profile)) {
    expect(await state.db.selectFrom(tablesOf(other).records).selectAll().execute()).toEqual([])
  }
  return counts
}

/**
 * What holds of credentials at every moment: one order for a registration and partner, once its stage is reached; what
 * is issued has a share, and its partner is told of this one.
 */
async function expectCredentialsWhole(
  state: State,
  profile: Profile,
  partners: readonly string[],
): Promise<void> {
  const registrations = await state.db.selectFrom('identity_registrations').select(['rid', 'stage']).execute()
  const credentials = await state.db.selectFrom('identity_credentials').selectAll().execute()
  const shares = await state.db.selectFrom('identity_shares').select('share_key').execute()
  const shared = new Set(shares.map(({ share_key }) => share_key))
  const bodies = await state.db
    .selectFrom('identity_events')
    .select('body')
    .where('topic', '=', 'CREDENTIAL_ISSUED')
    .orderBy('sequence')
    .execute()
  const toldOf = Map.groupBy(
    bodies.map(({ body }) => JSON.parse(body).event as { transactionId: string; dataShareUri: string }),
    ({ transactionId }) => transactionId,
  )
  const ordersOf = Map.groupBy(credentials, ({ request_id }) => request_id.split('-')[0]!)
  for (const { rid, stage } of registrations) {
    const own = (ordersOf.get(rid) ?? []).map(({ partner_id }) => partner_id).sort()
    if (stage === LAST_STAGE) expect(own).toEqual([...partners].sort())
    else expect(own.length).toBe(new Set(own).size)
  }
  for (const { request_id, state: progress, share_url, failure, oprf_key } of credentials) {
    expect({ progress, failure }).not.toMatchObject({ progress: 'FAILED' })
    expect(oprf_key).toBe(progress === 'ISSUED' && profile === 'keyhaven' ? oprfKeyOf(profile) : null)
    const told = (toldOf.get(request_id) ?? []).map(({ dataShareUri }) => dataShareUri)
    expect(new Set(told).size).toBe(told.length)
    expect(told.at(-1) ?? null).toBe(share_url)
    if (share_url !== null) expect(shared.has(share_url.split('/').at(-1)!)).toBe(true)
  }
}

/** What holds at an IDA at every moment: nobody is half there, no key that is needed is missing. */
async function expectIdaWhole(state: State, profile: Profile): Promise<number> {
  expect(await state.audit.verify()).toMatchObject({ valid: true })
  const tables = tablesOf(profile)
  const records = await state.db.selectFrom(tables.idaRecords).selectAll().execute()
  const attributes = await state.db.selectFrom(tables.idaAttributes).selectAll().execute()
  const pool = await state.db.selectFrom(tables.idaPool).select('key_index').execute()
  const known = new Set(pool.map(({ key_index }) => key_index))
  const ofRecord = Map.groupBy(attributes, ({ id_hash }) => id_hash)
  expect(ofRecord.size).toBe(records.length)
  const names = new Set<string>()
  for (const { id_hash, state: status, oprf_key } of records) {
    expect(status).toBe('active')
    expect(oprf_key).toBe(oprfKeyOf(profile))
    const own = ofRecord.get(id_hash)!
    names.add(
      own
        .map(({ name }) => name)
        .sort()
        .join(),
    )
    // In profile `keyhaven` nothing lies there in clear, whatever the policy says.
    if (profile === 'keyhaven') expect(own.every(({ sealed }) => sealed === 1)).toBe(true)
    for (const { value } of own.filter(({ sealed }) => sealed === 1)) {
      const bytes = fromAnyBase64(value)
      const header =
        profile === 'mosip' ? { index: mosipAttributeIndex(bytes), oprfKey: 0 } : readVaultHeader(bytes)
      expect(known.has(header.index)).toBe(true)
      expect(header.oprfKey).toBe(oprf_key)
    }
  }
  // Demographics and biometrics of everybody.
  expect(names.size).toBeLessThanOrEqual(1)
  for (const list of names)
    for (const name of ['fullName', 'Face', 'Finger_Left Thumb']) expect(list).toContain(name)
  expect(await state.db.selectFrom('identity_pool_conflicts').selectAll().execute()).toEqual([])
  return records.length
}

/** @returns how many registrations are in which stage, and the number of each person who has one. */
export function checkMain(
  fixture: StateFixture,
  partners: readonly string[],
  received: ReadonlySet<string>,
): Promise<{ readonly stages: ReadonlyMap<string, number>; readonly uins: ReadonlyMap<string, string> }> {
  return withRepository(fixture, async (state, profile, repository) => {
    const stages = await expectRegistrationsWhole(state, profile, repository, received)
    await expectCredentialsWhole(state, profile, partners)
    return { stages, uins: await uinsIn(state, profile, repository) }
  })
}

/** The number of each person who has one, by registration; the main server may run meanwhile. */
export function readUins(fixture: StateFixture): Promise<ReadonlyMap<string, string>> {
  return withRepository(fixture, uinsIn)
}

async function uinsIn(
  { db }: State,
  profile: Profile,
  repository: IdentityRepository,
): Promise<ReadonlyMap<string, string>> {
  const records = await db.selectFrom(tablesOf(profile).records).select('rid').execute()
  const uins = new Map<string, string>()
  for (const { rid } of records) uins.set(rid, await repository.uinOf(rid))
  return uins
}

async function withRepository<T>(
  fixture: StateFixture,
  work: (state: State, profile: Profile, repository: IdentityRepository) => Promise<T>,
): Promise<T> {
  const state = await fixture.open({ schedule: false })
  const objects = await openObjectStore(fixture.config.objects)
  try {
    const profile = profileOf(fixture)
    const place = { state, applicationId: APPLICATION, profile, clock: Date.now } as const
    const keys = createIdentityKeys({ ...place, role: 'main' })
    return await work(state, profile, openIdentityRepository({ ...place, objects, keys }))
  } finally {
    objects.close()
    await state.close()
  }
}

/** @returns how many people the IDA has. */
export async function checkIda(fixture: StateFixture): Promise<number> {
  const state = await fixture.open({ schedule: false })
  try {
    return await expectIdaWhole(state, profileOf(fixture))
  } finally {
    await state.close()
  }
}

/** Of a person: what nobody may find in a file. */
export function secretsOf(fields: MadePacket['fields'], uin: string): string[] {
  const { fullName, addressLine1, phone, email } = fields as unknown as SimulatedPerson['fields']
  return [uin, phone, email, ...[...fullName, ...addressLine1].map(({ value }) => value)]
}
