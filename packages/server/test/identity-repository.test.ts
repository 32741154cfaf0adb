import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '@keyhaven/crypto'
import { isUin, isVid, PROFILES, type Profile } from '@keyhaven/identity'
import type {
  IdentityChange,
  IdentityData,
  IdentityRepository,
  RepositoryKeys,
} from '@keyhaven/identity/service'
import { sql } from 'kysely'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { openIdentityRepository } from '../src/identity/repository/repository.ts'
import { rewrap } from '../src/maintenance/rewrap.ts'
import { createDiskStore } from '../src/platform/objects/disk-store.ts'
import type { ObjectStore } from '../src/platform/objects/object-store.ts'
import type { State } from '../src/platform/state/state.ts'
import { repositoryKeys } from './fixtures/identity-keys.ts'

const APP = 'app-1'
const BY = 'token:test'
const NAME = 'Invented Person Quillfeather'
const FINGER = new TextEncoder().encode('<BIR>an invented finger</BIR>')
const PASSPORT = new TextEncoder().encode('an invented passport')

const data = (rid: string, over: Partial<IdentityData> = {}): IdentityData => ({
  rid,
  identity: { IDSchemaVersion: 0.1, fullName: [{ language: 'eng', value: NAME }] },
  files: [
    { category: 'Biometrics', field: 'individualBiometrics', format: 'cbeff', bytes: FINGER },
    { category: 'Demographics', field: 'proofOfIdentity', format: 'pdf', bytes: PASSPORT },
  ],
  ...over,
})

const CASES = ENGINES.flatMap((engine) =>
  PROFILES.map((profile) => ({ engine, profile, title: engine.name })),
)

describe.each(CASES)('identity repository, profile $profile on $title', ({ engine, profile }) => {
  let keys: RepositoryKeys
  let fixture: StateFixture
  let state: State
  let objects: ObjectStore
  let repository: IdentityRepository
  let now: number
  let changes: IdentityChange[]
  beforeAll(async () => {
    keys = await repositoryKeys()
  })
  beforeEach(async () => {
    now = Date.now()
    changes = []
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false, clock: () => now })
    objects = createDiskStore(join(fixture.folder, 'objects'))
    repository = open(state)
  })
  afterEach(() => fixture.dispose())

  const open = (from: State, applicationId = APP, as: Profile = profile) =>
    openIdentityRepository({
      ...{ state: from, objects, applicationId, profile: as, keys, clock: () => now },
      onChange: async (_, change) => void changes.push(change),
    })
  const enrol = async (rid: string) => {
    const { uin, record } = await repository.giveUin(rid)
    await repository.add(data(rid))
    return { uin, record }
  }

  test('keeps a person and gives the same back', async () => {
    const { uin, record } = await enrol('rid-1')
    expect(isUin(uin)).toBe(true)
    const found = await repository.retrieve(uin, 'UIN', ['Biometrics', 'Demographics'])
    expect(found).toMatchObject({ ...data('rid-1'), uin, record, version: 1 })
    expect((await repository.retrieve(uin, 'UIN')).files).toEqual([])
    expect(await repository.uinOf('rid-1')).toBe(uin)
    expect(changes).toEqual([{ kind: 'created', record, version: 1 }])
    // A second process, and one that begins anew.
    const other = open(await fixture.open({ schedule: false }))
    expect((await other.retrieve(uin, 'UIN')).identity).toEqual(data('').identity)
  })

  test('the same registration twice, or by ten at once, is one person', async () => {
    const both = await Promise.all([
      ...Array.from({ length: 5 }, () => repository.giveUin('rid-1')),
      ...Array.from({ length: 5 }, () => open(state).giveUin('rid-1')),
    ])
    expect(new Set(both.map(({ uin }) => uin)).size).toBe(1)
    await Promise.all(Array.from({ length: 5 }, () => repository.add(data('rid-1'))))
    expect(await repository.history(both[0]!.uin, 'UIN')).toHaveLength(1)
    expect(changes.length).toBe(1)
  })

  test('nobody knows a number that was only reserved, is another, or is none', async () => {
    const { uin } = await repository.giveUin('rid-1')
    for (const id of [uin, '5274918630', '1', '', 'x'.repeat(10), `${uin}0`]) {
      await expect(repository.retrieve(id, 'UIN')).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await expect(repository.retrieve(id, 'VID')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
    await repository.add(data('rid-1'))
    await expect(open(state, 'another').retrieve(uin, 'UIN')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const otherProfile = PROFILES.find((one) => one !== profile)!
    await expect(open(state, APP, otherProfile).retrieve(uin, 'UIN')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  test('an update is a further version; the same update again does nothing', async () => {
    const { uin, record } = await enrol('rid-1')
    now += 1_000
    const changed = data('rid-2', { identity: { fullName: [{ language: 'eng', value: 'Renamed Person' }] } })
    expect(await repository.update(uin, 'UIN', changed)).toEqual({ version: 2 })
    expect(await repository.update(uin, 'UIN', changed)).toEqual({ version: 2 })
    const found = await repository.retrieve(uin, 'UIN', ['Biometrics'])
    expect(found).toMatchObject({ version: 2, rid: 'rid-2', identity: changed.identity })
    expect(found.files.map(({ bytes }) => toHex(bytes))).toEqual([toHex(FINGER)])
    const history = await repository.history(uin, 'UIN')
    expect(history.map(({ version, rid }) => [version, rid])).toEqual([
      [1, 'rid-1'],
      [2, 'rid-2'],
    ])
    expect(changes.at(-1)).toEqual({ kind: 'updated', record, version: 2 })
  })

  test('who is blocked or deactivated is not read, not changed, and gets no VID', async () => {
    const { uin, record } = await enrol('rid-1')
    for (const status of ['BLOCKED', 'DEACTIVATED'] as const) {
      expect(await repository.setStatus(uin, 'UIN', status, BY)).toMatchObject({ status })
      const refused = { code: 'ACCESS_DENIED' }
      await expect(repository.retrieve(uin, 'UIN')).rejects.toMatchObject(refused)
      await expect(repository.update(uin, 'UIN', data('rid-2'))).rejects.toMatchObject(refused)
      await expect(repository.createVid(uin, 'Perpetual', BY)).rejects.toMatchObject(refused)
      expect(changes.at(-1)).toEqual({ kind: 'status', record, status })
    }
    await repository.setStatus(uin, 'UIN', 'ACTIVATED', BY)
    expect(await repository.retrieve(uin, 'UIN')).toMatchObject({ uin })
    const audit = await state.audit.list({ action: 'identity.record.status' })
    expect(audit.items.map(({ subject, detail }) => [subject, detail.to])).toEqual([
      [record, 'ACTIVATED'],
      [record, 'DEACTIVATED'],
      [record, 'BLOCKED'],
    ])
  })

  test('VIDs stand for a person until they are revoked or expire, and are as many as may be', async () => {
    const { uin, record } = await enrol('rid-1')
    const lasting = await repository.createVid(uin, 'Perpetual', BY)
    expect(lasting).toMatchObject({
      type: 'Perpetual',
      status: 'ACTIVE',
      expiresAt: null,
      transactionLimit: null,
    })
    expect(isVid(lasting.vid)).toBe(true)
    const again = Array.from({ length: 4 }, () => repository.createVid(uin, 'Perpetual', BY))
    for (const one of await Promise.allSettled(again)) {
      expect(one).toMatchObject({ status: 'rejected', reason: { code: 'CONFLICT' } })
    }
    expect((await repository.retrieve(lasting.vid, 'VID')).record).toBe(record)
    const short = await repository.createVid(uin, 'Temporary', BY)
    expect(short).toMatchObject({ expiresAt: now + 30 * 60_000, transactionLimit: 1 })
    expect(new Set((await repository.vids(uin, BY)).map(({ vid }) => vid))).toEqual(
      new Set([lasting.vid, short.vid]),
    )
    now += 30 * 60_000
    await expect(repository.retrieve(short.vid, 'VID')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await repository.vids(uin, BY)).map(({ vid }) => vid)).toEqual([lasting.vid])
    expect(await repository.revokeVid(lasting.vid, BY)).toMatchObject({ status: 'REVOKED' })
    await expect(repository.retrieve(lasting.vid, 'VID')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(repository.revokeVid('5274918630527491', BY)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await repository.createVid(uin, 'Perpetual', BY)
  })

  test('what was changed at rest, or belongs to another person or version, is refused', async () => {
    const first = await enrol('rid-1')
    const names: string[] = []
    for await (const { name } of objects.list('identity/')) names.push(name)
    const second = await enrol('rid-2')
    const versions = `identity_versions_${profile}` as 'identity_versions_mosip'
    const dataOf = async (record: string) =>
      (await state.db.selectFrom(versions).selectAll().where('record', '=', record).executeTakeFirstOrThrow())
        .data
    const put = (bytes: Uint8Array) =>
      state.db.updateTable(versions).set({ data: bytes }).where('record', '=', first.record).execute()
    const own = await dataOf(first.record)
    const refused = { code: expect.stringMatching(/^(OPEN_FAILED|FILE_DAMAGED)$/) }
    await repository.update(second.uin, 'UIN', data('rid-3', { identity: { fullName: 'Somebody Else' } }))
    const others = await state.db
      .selectFrom(versions)
      .selectAll()
      .where('record', '=', second.record)
      .execute()
    // Another person's, with other data.
    await put(others.find(({ version }) => version === 2)!.data)
    await expect(repository.retrieve(first.uin, 'UIN')).rejects.toMatchObject(refused)
    for (const at of [0, Math.floor(own.length / 2), own.length - 2]) {
      const flipped = Uint8Array.from(own)
      flipped[at]! ^= 4
      await put(flipped)
      await expect(repository.retrieve(first.uin, 'UIN')).rejects.toMatchObject(refused)
    }
    await put(own.subarray(0, own.length - 1))
    await expect(repository.retrieve(first.uin, 'UIN')).rejects.toMatchObject(refused)
    await put(own)
    expect(await repository.retrieve(first.uin, 'UIN')).toMatchObject({ uin: first.uin })
    // Objects: a document in the place of a finger, and one that is gone.
    const fingers = names.find((name) => name.includes('/Biometrics/'))!
    const document = names.find((name) => name.includes('/Demographics/'))!
    const kept = (await objects.get(fingers))!
    await objects.put(fingers, (await objects.get(document))!)
    const everybody = [first.uin, second.uin]
    const reads = () =>
      Promise.allSettled(everybody.map((uin) => repository.retrieve(uin, 'UIN', ['Biometrics'])))
    expect((await reads()).filter(({ status }) => status === 'rejected').length).toBe(1)
    await objects.delete(fingers)
    expect((await reads()).find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'FILE_DAMAGED' },
    })
    await objects.put(fingers, kept)
    expect((await reads()).every(({ status }) => status === 'fulfilled')).toBe(true)
  })

  test('no number, name or finger in the database or in a file', async () => {
    const { uin } = await enrol('rid-1')
    const { vid } = await repository.createVid(uin, 'Perpetual', BY)
    await repository.setStatus(uin, 'UIN', 'BLOCKED', BY)
    const secrets = [uin, vid, NAME, 'Quillfeather', 'an invented']
    const texts = readAll(fixture.folder)
    if (engine.dialect === 'postgres') {
      for (const table of ['records', 'versions', 'vids']) {
        const name = sql.table(`identity_${table}_${profile}`)
        const { rows } = await sql`select * from ${name}`.execute(state.db)
        texts.push(Buffer.from(JSON.stringify(rows.map(plain))))
      }
      texts.push(Buffer.from(JSON.stringify((await state.audit.list({})).items)))
    }
    expect(texts.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(3_000)
    for (const secret of secrets) {
      for (const form of [secret, Buffer.from(secret).toString('base64url').slice(0, -2)]) {
        expect(texts.some((text) => text.includes(form))).toBe(false)
      }
    }
  })

  test('a look-up reads few rows, by an index, however many there are', async () => {
    const { uin } = await enrol('rid-1')
    const table = `identity_records_${profile}` as 'identity_records_mosip'
    const { tag } = await state.db.selectFrom(table).selectAll().executeTakeFirstOrThrow()
    if (engine.dialect === 'sqlite') {
      const { rows } = await sql<{ detail: string }>`
        explain query plan select * from ${sql.table(table)} where application_id = ${APP} and tag = ${tag}`.execute(
        state.db,
      )
      expect(rows.map(({ detail }) => detail).join()).toMatch(
        /USING INDEX \w+_tag \(application_id=\? AND tag=\?\)/,
      )
    } else {
      await sql`set enable_seqscan = off`.execute(state.db)
      const { rows } = await sql<{ 'QUERY PLAN': string }>`
        explain select * from ${sql.table(table)} where application_id = ${APP} and tag = ${tag}`.execute(
        state.db,
      )
      expect(rows[0]!['QUERY PLAN']).toMatch(/Index Scan using \w+_tag/)
    }
    expect(await repository.retrieve(uin, 'UIN')).toMatchObject({ uin })
  })

  if (profile === 'keyhaven') {
    test('its keys move to a new master key', async () => {
      const { uin } = await enrol('rid-1')
      const before = await state.db.selectFrom('identity_record_keys').selectAll().execute()
      const { masterKeyId, moved } = await rewrap(fixture.config, { actor: BY })
      expect(moved).toBe(2)
      const after = await state.db.selectFrom('identity_record_keys').selectAll().execute()
      expect(after.map((row) => row.master_key_id)).toEqual([masterKeyId, masterKeyId])
      expect(before.some((row) => row.master_key_id === masterKeyId)).toBe(false)
      const anew = open(await fixture.open({ schedule: false }))
      expect(await anew.retrieve(uin, 'UIN')).toMatchObject({ uin })
    })
  }
})

function readAll(folder: string): Buffer[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
}

function plain(row: unknown): unknown {
  return Object.fromEntries(
    Object.entries(row as object).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    ]),
  )
}
