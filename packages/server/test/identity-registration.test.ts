import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backend, fromUtf8 } from '@keyhaven/crypto'
import { fromAnyBase64, openHybrid, verifyJwt } from '@keyhaven/identity'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import type { JobRunner } from '../src/platform/jobs/job.ts'
import { createDiskStore } from '../src/platform/objects/disk-store.ts'
import type { ObjectStore } from '../src/platform/objects/object-store.ts'
import type { State } from '../src/platform/state/state.ts'
import {
  APP,
  BY,
  OFFICER,
  openTestRegistrations,
  REF_ID,
  receive,
  STATION,
  setUpStation,
  simulatedPacket,
} from './fixtures/registration-parts.ts'

type Parts = Awaited<ReturnType<typeof openTestRegistrations>>

describe.each(ENGINES)('registration on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  let objects: ObjectStore
  let parts: Parts
  let issued: { rid: string; uin: string }[]
  let failures: unknown[]
  let runners: JobRunner[]
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false })
    objects = createDiskStore(join(fixture.folder, 'objects'))
    issued = []
    failures = []
    runners = []
    parts = await open()
    await setUpStation(parts.registrations)
  })
  afterEach(async () => {
    for (const runner of runners) await runner.stop()
    await fixture.dispose()
  })

  const open = (over: Parameters<typeof openTestRegistrations>[3] = {}) =>
    openTestRegistrations(state, objects, { issue: async (person) => void issued.push(person) }, over)
  const run = (from = parts) =>
    runners.push(from.registrations.run((error) => void failures.push(error), { lease: 2_000, backoff: 10 }))
  const settled = async (rid: string) => {
    await vi.waitFor(
      async () => {
        const { stage } = (await parts.registrations.find(rid))!
        expect(['CREDENTIALS_ISSUED', 'REJECTED']).toContain(stage)
        expect((await parts.jobs.progress())[0]?.waiting ?? 0).toBe(0)
      },
      { timeout: 60_000, interval: 20 },
    )
    return (await parts.registrations.find(rid))!
  }

  test('a packet goes through every stage, and the person is in the repository', async () => {
    const packet = await simulatedPacket('Example Person 1', 1)
    await receive(parts.registrations, packet)
    expect(await parts.registrations.find(packet.rid)).toMatchObject({ stage: 'RECEIVED', attempt: 1 })
    run()
    const done = await settled(packet.rid)
    expect(done).toMatchObject({ stage: 'CREDENTIALS_ISSUED', officer: OFFICER, reason: null })
    expect((await parts.registrations.history(packet.rid)).map(({ stage }) => stage)).toEqual([
      'RECEIVED',
      'VERIFIED',
      'DEDUPLICATED',
      'UIN_GIVEN',
      'STORED',
      'CREDENTIALS_ISSUED',
    ])
    expect(issued).toEqual([{ rid: packet.rid, uin: expect.stringMatching(/^\d{10}$/), record: done.record }])
    const { uin } = issued[0]!
    const person = await parts.repository.retrieve(uin, 'UIN', ['Biometrics', 'Demographics'])
    expect(person.identity).toMatchObject({ ...packet.person.fields, UIN: uin })
    expect(person.files.map(({ field }) => field).sort()).toEqual([
      'individualBiometrics',
      'proofOfAddress',
      'proofOfIdentity',
    ])
    expect(failures).toEqual([])
    expect(await parts.jobs.progress()).toEqual([])
  })

  test('demographics lie in the processor’s database under the station’s key, and the receipt is over them', async () => {
    const packet = await simulatedPacket('Example Person 1', 1)
    await receive(parts.registrations, packet)
    run()
    const { receipt } = await settled(packet.rid)
    const row = await state.db.selectFrom('identity_registrations').selectAll().executeTakeFirstOrThrow()
    const opener = parts.keys.opener({ appId: 'REGISTRATION', refId: REF_ID })
    const json = await openHybrid(backend, opener, fromAnyBase64(fromUtf8(row.demographics!)))
    expect(JSON.parse(fromUtf8(json))).toMatchObject(packet.person.fields)
    const trusted = await parts.keys.certificate({ appId: 'REGISTRATION_PROCESSOR', refId: '' })
    const { payload, certificate } = await verifyJwt(backend, receipt!, { trust: () => {} })
    expect(certificate.thumbprint).toEqual(trusted.thumbprint)
    expect(JSON.parse(fromUtf8(payload))).toEqual({
      rid: packet.rid,
      refId: REF_ID,
      packet: Buffer.from(await backend.sha256(packet.bytes)).toString('base64url'),
      demographics: Buffer.from(await backend.sha256(row.demographics!)).toString('base64url'),
    })
  })

  test('what is wrong with a packet rejects it, and says which check failed', async () => {
    const flipped = await simulatedPacket('Example Person 1', 1)
    flipped.bytes[flipped.bytes.length - 1]! ^= 1
    const renamed = await simulatedPacket('Example Person 2', 2)
    const other = await simulatedPacket('Example Person 3', 3)
    const cases = [
      [flipped, /^OPEN_FAILED: /],
      [
        { ...renamed, fileName: renamed.fileName.replace(/^\d{29}/, other.rid), rid: other.rid },
        /registration id/,
      ],
      [
        await simulatedPacket('Example Person 9', 9, {
          edit: (input) => ({ ...input, rid: input.rid.replace(/^\d{10}/, '1000110078') }),
        }),
        /registration id: of another station/,
      ],
      [await simulatedPacket('Example Person 4', 4, { machine: 3 }), /signature of the sub-packet id/],
      [
        await simulatedPacket('Example Person 5', 5, { officerId: 'nobody' }),
        /operator: not a registration officer/,
      ],
      [await simulatedPacket('Example Person 6', 6, { at: Date.now() + 3_600_000 }), /date: it is ahead/],
      [
        await simulatedPacket('Example Person 7', 7, { at: Date.now() - 86_400_000 }),
        /machine: it was not registered then/,
      ],
      [
        await simulatedPacket('Example Person 8', 8, {
          edit: (input) => ({ ...input, process: 'CORRECTION' }),
        }),
        /process CORRECTION/,
      ],
    ] as const
    run()
    for (const [packet, reason] of cases) {
      await receive(parts.registrations, packet)
      expect(await settled(packet.rid)).toMatchObject({
        stage: 'REJECTED',
        reason: expect.stringMatching(reason),
        record: null,
      })
    }
    const counts = await parts.registrations.counts()
    expect([...counts]).toEqual([['REJECTED', cases.length]])
    expect(await state.db.selectFrom('identity_records_keyhaven').selectAll().execute()).toEqual([])
    expect(issued).toEqual([])
  })

  test('a machine, a centre or an officer that has ended brings nobody in any more', async () => {
    const { stations } = parts.registrations
    run()
    const early = await simulatedPacket('Example Person 1', 1)
    await stations.endOfficer(OFFICER, BY)
    const late = await simulatedPacket('Example Person 2', 2)
    await receive(parts.registrations, early) // made while he was one
    expect(await settled(early.rid)).toMatchObject({ stage: 'CREDENTIALS_ISSUED' })
    await receive(parts.registrations, late)
    expect(await settled(late.rid)).toMatchObject({ reason: expect.stringContaining('operator') })
    await stations.addOfficer(OFFICER, BY)
    await stations.endMachine(STATION.centreId, STATION.machineId, BY)
    const third = await simulatedPacket('Example Person 3', 3)
    await receive(parts.registrations, third)
    expect(await settled(third.rid)).toMatchObject({ reason: expect.stringContaining('machine') })
  })

  test('an officer who ended brings in what he dates back for 30 days, and no longer', async () => {
    const DAY = 86_400_000
    const now = Date.now()
    const { db } = state
    await db
      .updateTable('identity_machines')
      .set({ created_at: now - 90 * DAY })
      .execute()
    run()
    for (const [number, ended, stage] of [
      [1, 29, 'CREDENTIALS_ISSUED'],
      [2, 31, 'REJECTED'],
    ] as const) {
      await db
        .updateTable('identity_officers')
        .set({ since: now - 80 * DAY, until: now - ended * DAY })
        .execute()
      const packet = await simulatedPacket(`Example Person ${number}`, number, { at: now - 40 * DAY })
      await receive(parts.registrations, packet)
      expect(await settled(packet.rid)).toMatchObject({ stage })
    }
  })

  test('a packet sent again is recognised; a rejected one is corrected by another packet', async () => {
    const wrong = await simulatedPacket('Example Person 1', 1, { officerId: 'nobody' })
    await receive(parts.registrations, wrong)
    await expect(parts.registrations.requireWanted(wrong.rid)).rejects.toMatchObject({ code: 'DUPLICATE' })
    run()
    await settled(wrong.rid)
    await parts.registrations.requireWanted(wrong.rid)
    await receive(parts.registrations, wrong) // the same bytes: nothing happens
    expect(await parts.registrations.find(wrong.rid)).toMatchObject({ stage: 'REJECTED', attempt: 1 })
    const right = await simulatedPacket('Example Person 1', 1, { at: Date.parse(isoOf(wrong.rid)) + 999 })
    expect(right.rid).toBe(wrong.rid)
    await receive(parts.registrations, right)
    expect(await settled(wrong.rid)).toMatchObject({ stage: 'CREDENTIALS_ISSUED', attempt: 2, reason: null })
    expect((await parts.registrations.history(wrong.rid)).map(({ stage }) => stage).slice(0, 4)).toEqual([
      'RECEIVED',
      'REJECTED',
      'RECEIVED',
      'VERIFIED',
    ])
    await receive(parts.registrations, right)
    expect(await settled(wrong.rid)).toMatchObject({ attempt: 2 })
    expect(issued.length).toBe(1)
    const kept = await state.db.selectFrom('identity_packets').select('state').execute()
    expect(kept.filter((row) => row.state === 'complete').length).toBe(2)
  })

  test('the same person twice is found by biometrics, also at once; a namesake is not', async () => {
    run()
    run(await open())
    const [first, second] = [
      await simulatedPacket('Example Person 1', 1),
      await simulatedPacket('Example Person 1', 2),
    ]
    const namesake = await simulatedPacket('Example Person 2', 3, {
      edit: (input) => ({ ...input, fields: { ...input.fields, ...first.person.fields } }),
    })
    await Promise.all([first, second, namesake].map((packet) => receive(parts.registrations, packet)))
    const [one, two, other] = [
      await settled(first.rid),
      await settled(second.rid),
      await settled(namesake.rid),
    ]
    expect([one.stage, two.stage].sort()).toEqual(['CREDENTIALS_ISSUED', 'REJECTED'])
    const loser = one.stage === 'REJECTED' ? one : two
    expect(loser.reason).toMatch(/^DUPLICATE: biometrics of \d{29}$/)
    expect(other.stage).toBe('CREDENTIALS_ISSUED')
    expect(issued.length).toBe(2)
  })

  test('a corrected packet is compared with all who came meanwhile, and does not keep its old place', async () => {
    run()
    const accomplice = await simulatedPacket('Example Person 1', 1)
    const reserved = await simulatedPacket('Example Person 1', 2)
    const person = await simulatedPacket('Example Person 2', 3)
    for (const packet of [accomplice, reserved, person]) {
      await receive(parts.registrations, packet)
      await settled(packet.rid)
    }
    expect((await parts.registrations.find(reserved.rid))?.stage).toBe('REJECTED')
    const at = Date.parse(isoOf(reserved.rid)) + 999
    const again = await simulatedPacket('Example Person 2', 2, { at })
    expect(again.rid).toBe(reserved.rid)
    await receive(parts.registrations, again)
    expect(await settled(again.rid)).toMatchObject({
      ...{ stage: 'REJECTED', reason: `DUPLICATE: biometrics of ${person.rid}`, attempt: 2 },
    })
    expect(issued.length).toBe(2)
  })

  test('without biometrics, name and birthday decide', async () => {
    const bare = (sequence: number, name: string) =>
      simulatedPacket(name, sequence, {
        edit: (input) => ({
          ...input,
          biometrics: new Map(),
          schema: {
            ...input.schema,
            fields: input.schema.fields.map((field) => ({ ...field, required: false })),
          },
        }),
      })
    run()
    const [first, again, other] = [
      await bare(1, 'Example Person 1'),
      await bare(2, 'Example Person 1'),
      await bare(3, 'Example Person 2'),
    ]
    for (const packet of [first, again, other]) {
      await receive(parts.registrations, packet)
      await settled(packet.rid)
    }
    expect((await parts.registrations.find(again.rid))?.reason).toMatch(/^DUPLICATE: demographics of /)
    expect((await parts.registrations.find(other.rid))?.stage).toBe('CREDENTIALS_ISSUED')
  })

  test('a service that is down for a while costs only time; a packet damaged at rest is not processed', async () => {
    let down = 2
    const weak = await open({
      credentials: {
        issue: async (person) => {
          if (down-- > 0) throw new Error('not now')
          issued.push(person)
        },
      },
    })
    run(weak)
    const packet = await simulatedPacket('Example Person 1', 1)
    await receive(weak.registrations, packet)
    expect(await settled(packet.rid)).toMatchObject({ stage: 'CREDENTIALS_ISSUED' })
    expect(failures.length).toBe(2)
    expect(issued.length).toBe(1)
    await Promise.all(runners.splice(0).map((runner) => runner.stop()))
    const damaged = await simulatedPacket('Example Person 2', 2)
    await receive(parts.registrations, damaged)
    const { packet: id } = (await parts.registrations.find(damaged.rid))!
    const names = readdirSync(join(fixture.folder, 'objects', 'packets', APP, `${id}.parts`))
    const file = join(
      fixture.folder,
      'objects',
      'packets',
      APP,
      `${id}.parts`,
      names.find((name) => /^1-/.test(name))!,
    )
    const bytes = readFileSync(file)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(file, bytes)
    run()
    await expect.poll(() => failures.at(-1)).toMatchObject({ code: 'FILE_DAMAGED' })
    expect(await parts.registrations.find(damaged.rid)).toMatchObject({ stage: 'RECEIVED' })
  })

  test('an upload that nobody goes on with is given up after a day, with its bytes', async () => {
    const { packets } = parts.registrations
    const { fileName, bytes } = await simulatedPacket('Example Person 1', 1)
    const packet = await packets.create({ id: packets.newId(), fileName, bytes: bytes.length, actor: BY })
    await packets.append(packet, bytes.subarray(0, 1_000))
    expect(await packets.tidy(Date.now())).toBe(0)
    expect(await packets.tidy(Date.now() + 90_000_000)).toBe(1)
    expect(await packets.find(packet.id)).toBeUndefined()
    const left: string[] = []
    for (const prefix of ['packets/', 'packet-tails/']) {
      for await (const { name } of objects.list(prefix)) left.push(name)
    }
    expect(left).toEqual([])
  })

  test('nothing that was decrypted is in the database or in a file', async () => {
    const packet = await simulatedPacket('Example Person 1', 1)
    await receive(parts.registrations, packet)
    run()
    await settled(packet.rid)
    const { fullName, dateOfBirth, phone, email, postalCode } = packet.person.fields
    const secrets = [...fullName.map(({ value }) => value), dateOfBirth, phone, email, issued[0]!.uin]
    expect(postalCode).toMatch(/^\d{5}$/)
    const texts = readAll(fixture.folder)
    if (engine.dialect === 'postgres') {
      for (const table of [
        'identity_registrations',
        'identity_jobs',
        'identity_gallery',
        'audit_entries',
      ] as const) {
        const rows = await state.db
          .selectFrom(table as 'audit_entries')
          .selectAll()
          .execute()
        texts.push(Buffer.from(JSON.stringify(rows)))
      }
    }
    for (const secret of [...secrets, 'KEYHAVEN SIMULATED BIOMETRIC']) {
      expect(texts.some((text) => text.includes(secret))).toBe(false)
    }
  })
})

function isoOf(rid: string): string {
  return rid.slice(15).replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6Z')
}

function readAll(folder: string): Buffer[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
}
