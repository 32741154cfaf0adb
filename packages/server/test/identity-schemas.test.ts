import { join } from 'node:path'
import { SIMULATED_SCHEMA, SIMULATED_SCHEMA_JSON } from '@keyhaven/identity/simulator'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import type { JobRunner } from '../src/platform/jobs/job.ts'
import { createDiskStore } from '../src/platform/objects/disk-store.ts'
import {
  BY,
  openTestRegistrations,
  receive,
  setUpStation,
  simulatedPacket,
} from './fixtures/registration-parts.ts'

type Edit = NonNullable<NonNullable<Parameters<typeof simulatedPacket>[2]>['edit']>
const identity = SIMULATED_SCHEMA_JSON.properties.identity
const withFields = (properties: object, required: readonly string[] = identity.required) => ({
  ...SIMULATED_SCHEMA_JSON,
  properties: { identity: { ...identity, required, properties } },
})

describe.each(ENGINES)('packets and their ID schema, on $name', (engine) => {
  let fixture: StateFixture
  let parts: Awaited<ReturnType<typeof openTestRegistrations>>
  let runner: JobRunner
  let sequence = 0
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    const state = await fixture.open({ schedule: false })
    parts = await openTestRegistrations(state, createDiskStore(join(fixture.folder, 'objects')), {
      issue: async () => {},
    })
    await setUpStation(parts.registrations)
    runner = parts.registrations.run((error) => {
      throw error
    })
  })
  afterEach(async () => {
    await runner.stop()
    await fixture.dispose()
  })

  const outcome = async (edit: Edit = (input) => input) => {
    const packet = await simulatedPacket(`Example Person ${++sequence}`, sequence, { edit })
    await receive(parts.registrations, packet)
    await vi.waitUntil(
      async () =>
        ['CREDENTIALS_ISSUED', 'REJECTED'].includes((await parts.registrations.find(packet.rid))!.stage),
      { timeout: 60_000, interval: 20 },
    )
    const { stage, reason } = (await parts.registrations.find(packet.rid))!
    return reason ?? stage
  }
  /** A client that keeps to no schema. */
  const lax =
    (fields: object): Edit =>
    (input) => ({
      ...input,
      fields: { ...input.fields, ...fields },
      schema: {
        ...input.schema,
        fields: [
          ...input.schema.fields.map((field) => ({ ...field, required: false })),
          { name: 'nickname', kind: 'demographic', subPackets: ['id'], required: false },
        ],
      },
    })
  const version =
    (of: number): Edit =>
    (input) => ({ ...input, schema: { ...SIMULATED_SCHEMA, version: of } })

  test('without any schema a packet is checked for structure only', async () => {
    expect(await outcome(lax({ nickname: 'Moll', dateOfBirth: 4 }))).toBe('CREDENTIALS_ISSUED')
  })

  test('with one a packet must follow it; the reason has the path and no value', async () => {
    const { schemas } = parts.registrations
    await schemas.add(0.1, SIMULATED_SCHEMA_JSON, BY)
    expect(await outcome()).toBe('CREDENTIALS_ISSUED')
    expect(await outcome(lax({ dateOfBirth: 19_460_526 }))).toBe(
      'PACKET_INVALID: schema: identity.dateOfBirth',
    )
    const fullName = [{ language: 'eng', value: 'Moll' }, { language: 'fra' }]
    expect(await outcome(lax({ fullName }))).toBe('PACKET_INVALID: schema: identity.fullName[1].value')
    expect(await outcome(lax({ nickname: 'Moll' }))).toBe(
      'PACKET_INVALID: fields of the sub-packet id: one that the schema does not have',
    )
    const nobody: Edit = (input) => {
      const { fullName: _, ...fields } = input.fields
      return { ...lax({})(input), fields }
    }
    expect(await outcome(nobody)).toBe('PACKET_INVALID: schema: identity.fullName is missing')
    const elsewhere: Edit = (input) => ({
      ...input,
      schema: {
        ...input.schema,
        fields: input.schema.fields.map((field) =>
          field.name === 'phone' ? { ...field, subPackets: ['optional'] } : field,
        ),
      },
    })
    expect(await outcome(elsewhere)).toBe('PACKET_INVALID: fields of the sub-packet optional: identity.phone')
  })

  test('each version is one of its own; one that is not here is rejected', async () => {
    const { schemas } = parts.registrations
    const { phone: _, ...without } = identity.properties
    await schemas.add(0.1, SIMULATED_SCHEMA_JSON, BY)
    await schemas.add(0.2, withFields(without), BY)
    expect(await outcome(version(0.2))).toMatch(/^PACKET_INVALID: fields of the sub-packet id: one that/)
    expect(await outcome(version(0.3))).toBe('PACKET_INVALID: schema: version 0.3 is not known here')
    expect(await outcome(version(0.1))).toBe('CREDENTIALS_ISSUED')
    expect((await schemas.list()).map((one) => [one.version, one.fields, one.addedBy])).toEqual([
      [0.1, Object.keys(identity.properties).length, BY],
      [0.2, Object.keys(without).length, BY],
    ])
  })

  test('a version is kept as it is; what is no schema is refused with its path', async () => {
    const { schemas } = parts.registrations
    await schemas.add(0.1, SIMULATED_SCHEMA_JSON, BY)
    await schemas.add(0.1, SIMULATED_SCHEMA_JSON, BY)
    await expect(schemas.add(0.1, withFields({}), BY)).rejects.toMatchObject({ code: 'CONFLICT' })
    const bad = withFields({ fullName: { fieldCategory: 'kyc', oneOf: [] } })
    await expect(schemas.add(0.2, bad, BY)).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: 'ID schema, properties.identity.properties.fullName.oneOf: cannot be checked here',
    })
    expect(await schemas.list()).toHaveLength(1)
  })
})
