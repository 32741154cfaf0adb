import { join } from 'node:path'
import { fromUtf8 } from '@keyhaven/crypto'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import type { JobRunner } from '../src/platform/jobs/job.ts'
import { createDiskStore } from '../src/platform/objects/disk-store.ts'
import type { ObjectStore } from '../src/platform/objects/object-store.ts'
import type { State } from '../src/platform/state/state.ts'
import {
  BY,
  openTestRegistrations,
  receive,
  setUpStation,
  simulatedPacket,
} from './fixtures/registration-parts.ts'

type Packet = Awaited<ReturnType<typeof simulatedPacket>>
type Input = Parameters<NonNullable<NonNullable<Parameters<typeof simulatedPacket>[2]>['edit']>>[0]

const NEW_NAME = [{ language: 'eng', value: 'Renamed Example' }]
const UNKNOWN_UIN = '5274918630'

describe.each(ENGINES)('people who are registered already, on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  let objects: ObjectStore
  let parts: Awaited<ReturnType<typeof openTestRegistrations>>
  let issued: { rid: string; uin: string; record: string }[]
  let runners: JobRunner[]
  let sequence = 0
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false })
    objects = createDiskStore(join(fixture.folder, 'objects'))
    issued = []
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
  const run = (from = parts) => runners.push(from.registrations.run(() => {}, { lease: 2_000, backoff: 10 }))
  const settled = async (rid: string) => {
    await vi.waitUntil(
      async () => ['CREDENTIALS_ISSUED', 'REJECTED'].includes((await parts.registrations.find(rid))!.stage),
      { timeout: 60_000, interval: 20 },
    )
    return (await parts.registrations.find(rid))!
  }
  const make = (seed: string, edit: (input: Input) => Input = (input) => input) =>
    simulatedPacket(seed, ++sequence, { edit })
  const without = (input: Input): Input => ({
    ...input,
    biometrics: new Map(),
    schema: { ...input.schema, fields: input.schema.fields.map((field) => ({ ...field, required: false })) },
  })
  const send = async (packet: Packet) => {
    await receive(parts.registrations, packet)
    return settled(packet.rid)
  }
  const register = async (seed: string, edit?: (input: Input) => Input) => {
    const packet = await make(seed, edit)
    expect((await send(packet)).stage).toBe('CREDENTIALS_ISSUED')
    const { uin, record } = issued.find(({ rid }) => rid === packet.rid)!
    return { ...packet, uin, record }
  }
  const update =
    (uin: unknown, over: Partial<Input> = {}) =>
    (input: Input): Input => ({
      ...input,
      process: 'UPDATE',
      fields: { UIN: uin, fullName: NEW_NAME },
      documents: new Map(),
      ...over,
    })
  const lost = (input: Input): Input => ({ ...input, process: 'LOST' })
  const enrolledAtAbis = async () =>
    (await state.db.selectFrom('identity_simulated_abis').select('rid').execute()).length
  const versions = async (uin: string) => (await parts.repository.history(uin, 'UIN')).map(({ rid }) => rid)

  test('an update replaces what it brings, keeps the rest and the history, and credentials are issued anew', async () => {
    run()
    const person = await register('Example Person 1')
    const before = await parts.repository.retrieve(person.uin, 'UIN', ['Biometrics', 'Demographics'])
    const packet = await make('Example Person 1', (input) =>
      update(person.uin, {
        documents: new Map([
          ['proofOfAddress', { bytes: new TextEncoder().encode('new address'), format: 'txt', type: 'RNC' }],
        ]),
      })(input),
    )
    expect(await send(packet)).toMatchObject({
      stage: 'CREDENTIALS_ISSUED',
      record: person.record,
      reason: null,
    })
    const now = await parts.repository.retrieve(person.uin, 'UIN', ['Biometrics', 'Demographics'])
    expect(now).toMatchObject({ version: 2, rid: packet.rid, record: person.record })
    expect(now.identity).toMatchObject({
      ...{ ...person.person.fields, fullName: NEW_NAME, UIN: person.uin },
    })
    const file = (from: typeof now, field: string) => from.files.find((one) => one.field === field)!
    expect(fromUtf8(file(now, 'proofOfAddress').bytes)).toBe('new address')
    expect(file(now, 'proofOfIdentity')).toEqual(file(before, 'proofOfIdentity'))
    expect(file(now, 'individualBiometrics').bytes).not.toEqual(file(before, 'individualBiometrics').bytes)
    expect(now.files).toHaveLength(before.files.length)
    expect(await versions(person.uin)).toEqual([person.rid, packet.rid])
    expect(issued.at(-1)).toEqual({ rid: packet.rid, uin: person.uin, record: person.record })
    const table = await state.db.selectFrom('identity_records_keyhaven').select('record').execute()
    expect(table).toEqual([{ record: person.record }])
    // The same person once more as somebody new is found as before.
    const again = await send(await make('Example Person 1'))
    expect(again.reason).toMatch(/^DUPLICATE: biometrics of /)
  })

  test('two updates at once, also by a process that dies between, are two versions', async () => {
    run()
    const person = await register('Example Person 1')
    await Promise.all(runners.splice(0).map((runner) => runner.stop()))
    let dies = true
    const { amend } = parts.repository
    run(
      await open({
        repository: {
          ...parts.repository,
          async amend(...change) {
            const made = await amend(...change)
            if (dies) {
              dies = false
              throw new Error('killed')
            }
            return made
          },
        },
      }),
    )
    const city = [{ language: 'eng', value: 'Elsewhere' }]
    const packets = [
      await make('Example Person 1', update(person.uin)),
      await make(
        'Example Person 1',
        update(Number(person.uin), { fields: { UIN: Number(person.uin), city } }),
      ),
    ]
    await Promise.all(packets.map((packet) => receive(parts.registrations, packet)))
    for (const { rid } of packets) expect(await settled(rid)).toMatchObject({ stage: 'CREDENTIALS_ISSUED' })
    expect(dies).toBe(false)
    expect((await versions(person.uin)).sort()).toEqual([person.rid, ...packets.map(({ rid }) => rid)].sort())
    const { identity } = await parts.repository.retrieve(person.uin, 'UIN')
    expect(identity).toMatchObject({ fullName: NEW_NAME, city, UIN: person.uin })
  })

  test('an update is refused for a number that nobody has or of a blocked person, and for another’s biometrics', async () => {
    run()
    const [one, two, blocked] = [
      await register('Example Person 1'),
      await register('Example Person 2'),
      await register('Example Person 3'),
    ]
    await parts.repository.setStatus(blocked.uin, 'UIN', 'BLOCKED', BY)
    const enrolled = await enrolledAtAbis()
    const cases = [
      ['Example Person 1', update(UNKNOWN_UIN), /^PACKET_INVALID: UIN: there is no such identity$/],
      ['Example Person 1', update('12'), /^PACKET_INVALID: UIN: there is no such identity$/],
      ['Example Person 1', update(undefined), /^PACKET_INVALID: UIN: there is none$/],
      ['Example Person 3', update(blocked.uin), /^PACKET_INVALID: UIN: the identity is blocked$/],
      [
        'Example Person 1',
        update(two.uin),
        /^PACKET_INVALID: biometrics: not of the person who has this UIN$/,
      ],
      [
        'Example Person 9',
        update(one.uin),
        /^PACKET_INVALID: biometrics: not of the person who has this UIN$/,
      ],
      [
        'Example Person 1',
        (input: Input) => without(update(one.uin)(input)),
        /^PACKET_INVALID: biometrics: none that show who it is$/,
      ],
    ] as const
    const count = issued.length
    for (const [seed, edit, reason] of cases) {
      const packet = await make(seed, edit)
      const { stage, reason: said, record } = await send(packet)
      expect([stage, said, record]).toEqual(['REJECTED', expect.stringMatching(reason), null])
    }
    expect(await versions(one.uin)).toEqual([one.rid])
    expect(await versions(two.uin)).toEqual([two.rid])
    expect(issued).toHaveLength(count)
    expect(await enrolledAtAbis()).toBe(enrolled) // nothing of them was given to an ABIS
  })

  test('whoever has no biometrics is updated without, and cannot take the name of another', async () => {
    run()
    const [one, two] = [
      await register('Example Person 1', without),
      await register('Example Person 2', without),
    ]
    const { fullName, dateOfBirth, gender } = two.person.fields
    const thief = await make('Example Person 1', (input) =>
      without(update(one.uin, { fields: { UIN: one.uin, fullName, dateOfBirth, gender } })(input)),
    )
    expect((await send(thief)).reason).toMatch(/^DUPLICATE: demographics of /)
    const right = await make('Example Person 1', (input) => without(update(one.uin)(input)))
    expect(await send(right)).toMatchObject({ stage: 'CREDENTIALS_ISSUED', record: one.record })
  })

  test('a lost number is found by biometrics: no new one, nothing changed, credentials issued anew', async () => {
    run()
    const person = await register('Example Person 1')
    await register('Example Person 2')
    const packet = await make('Example Person 1', lost)
    expect(await send(packet)).toMatchObject({ stage: 'CREDENTIALS_ISSUED', record: person.record })
    expect(issued.at(-1)).toEqual({ rid: packet.rid, uin: person.uin, record: person.record })
    expect(await versions(person.uin)).toEqual([person.rid])
    expect(await state.db.selectFrom('identity_records_keyhaven').select('record').execute()).toHaveLength(2)
    expect(await enrolledAtAbis()).toBe(2)
  })

  test('whoever got biometrics and another name by an update is not found by the old name alone', async () => {
    run()
    const person = await register('Example Person 1', without)
    const grown = await make('Example Person 1', update(person.uin))
    expect(await send(grown)).toMatchObject({ stage: 'CREDENTIALS_ISSUED', record: person.record })
    const count = issued.length
    const thief = await send(await make('Example Person 1', (input) => without(lost(input))))
    expect(thief.reason).toBe('PACKET_INVALID: biometrics: none that show who it is')
    expect(issued).toHaveLength(count)
  })

  test('a lost number is found by demographics of whoever has no biometrics, of nobody else', async () => {
    run()
    const person = await register('Example Person 1', without)
    const captured = await register('Example Person 2')
    const found = await make('Example Person 1', (input) => without(lost(input)))
    expect(await send(found)).toMatchObject({ stage: 'CREDENTIALS_ISSUED', record: person.record })
    const reasons = async (seed: string, edit: (input: Input) => Input) =>
      (await send(await make(seed, edit))).reason
    expect(await reasons('Example Person 2', (input) => without(lost(input)))).toBe(
      'PACKET_INVALID: biometrics: none that show who it is',
    )
    expect(await reasons('Example Person 9', lost)).toMatch(/^PACKET_INVALID: nobody is registered/)
    await parts.repository.setStatus(captured.uin, 'UIN', 'BLOCKED', BY)
    expect(await reasons('Example Person 2', lost)).toBe('PACKET_INVALID: UIN: the identity is blocked')
    expect(issued).toHaveLength(3)
  })
})
