import { join } from 'node:path'
import { backend, fromBase64url, utf8 } from '@keyhaven/crypto'
import { buildKeyhavenPacket, verifyJwt, verifyMachineRecord } from '@keyhaven/identity'
import { simulatedRegistration } from '@keyhaven/identity/simulator'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import type { JobRunner } from '../src/platform/jobs/job.ts'
import { createDiskStore } from '../src/platform/objects/disk-store.ts'
import type { State } from '../src/platform/state/state.ts'
import {
  BY,
  OFFICER,
  openTestRegistrations,
  REF_ID,
  receive,
  STATION,
  simulatedPacket,
} from './fixtures/registration-parts.ts'

describe.each(ENGINES)('registration in the profile keyhaven on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  let parts: Awaited<ReturnType<typeof openTestRegistrations>>
  let runner: JobRunner
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false })
    const objects = createDiskStore(join(fixture.folder, 'objects'))
    parts = await openTestRegistrations(state, objects, { issue: async () => {} }, { profile: 'keyhaven' })
    runner = parts.registrations.run((error) => {
      throw error
    })
  })
  afterEach(async () => {
    await runner.stop()
    await fixture.dispose()
  })

  const signer = backend.signatures.generateKeyPair('EdDSA')
  const setUp = async () => {
    const { stations } = parts.registrations
    await stations.addCentre({ id: STATION.centreId, name: 'Invented Town Hall' }, BY)
    // A private key that was sent by mistake is not kept.
    const jwk = await backend.signatures.exportSigningKey(await signer)
    const machine = { centre: STATION.centreId, id: STATION.machineId, publicKey: utf8(JSON.stringify(jwk)) }
    await stations.addMachine(machine, BY)
    await stations.addOfficer(OFFICER, BY)
    const row = await state.db.selectFrom('identity_machines').selectAll().executeTakeFirstOrThrow()
    expect(JSON.parse(Buffer.from(row.public_key).toString())).not.toHaveProperty('d')
  }
  const packetOf = async (seed: string, sequence: number, by = signer, refId = REF_ID) => {
    const { packetKey } = await parts.registrations.stationKeys(refId)
    const recipient = await backend.kem.importPublicKey('x-wing', fromBase64url(packetKey!))
    const at = Date.now()
    const { input, person } = simulatedRegistration(seed, {
      station: STATION,
      sequence,
      at,
      officerId: OFFICER,
    })
    const built = await buildKeyhavenPacket(backend, input, { signer: await by, recipient }, { at })
    const pieces: Uint8Array[] = []
    for await (const piece of built.stream) pieces.push(piece)
    const bytes = new Uint8Array(Buffer.concat(pieces))
    return { rid: input.rid, fileName: built.fileName, bytes, person }
  }
  const settled = (rid: string) =>
    vi.waitFor(
      async () => {
        const registration = (await parts.registrations.find(rid))!
        expect(['CREDENTIALS_ISSUED', 'REJECTED']).toContain(registration.stage)
        return registration
      },
      { timeout: 60_000, interval: 20 },
    )

  test('what a client needs is signed by the server', async () => {
    await setUp()
    const { record, packetKey } = await parts.registrations.stationKeys(REF_ID)
    const trust = { trust: () => {} }
    const machine = await verifyMachineRecord(backend, record, trust)
    expect(machine).toMatchObject({ refId: REF_ID })
    expect(machine.until).toBeGreaterThan(Date.now())
    const { payload } = await verifyJwt(backend, record, trust)
    expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({ packetKey })
    await parts.registrations.stations.endMachine(STATION.centreId, STATION.machineId, BY)
    for (const refId of [REF_ID, '10001_10078']) {
      await expect(parts.registrations.stationKeys(refId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
  })

  test('a packet goes through every stage; nothing in clear is kept', async () => {
    await setUp()
    const packet = await packetOf('Example Person 1', 1)
    await receive(parts.registrations, packet)
    expect(await settled(packet.rid)).toMatchObject({ stage: 'CREDENTIALS_ISSUED', officer: OFFICER })
    const uin = await parts.repository.uinOf(packet.rid)
    expect((await parts.repository.retrieve(uin, 'UIN')).identity).toMatchObject(packet.person.fields)
    const row = await state.db.selectFrom('identity_registrations').selectAll().executeTakeFirstOrThrow()
    for (const { value } of packet.person.fields.fullName) {
      expect(Buffer.from(row.demographics!).includes(value)).toBe(false)
    }
  })

  test('a machine that is kept in an old form brings in rejected packets, not ones that wait for ever', async () => {
    await setUp()
    const packet = await packetOf('Example Person 1', 1)
    await state.db
      .updateTable('identity_machines')
      .set({ public_key: Buffer.from('3082012230', 'hex') })
      .execute()
    await receive(parts.registrations, packet)
    expect(await settled(packet.rid)).toMatchObject({
      ...{
        stage: 'REJECTED',
        reason: expect.stringMatching(/^PACKET_INVALID: machine: its key is kept in another form/),
      },
    })
  })

  test('refuses another machine’s signature, a flipped bit, and a packet of the profile mosip', async () => {
    await setUp()
    const forged = await packetOf('Example Person 2', 2, backend.signatures.generateKeyPair('EdDSA'))
    const flipped = await packetOf('Example Person 3', 3)
    flipped.bytes[flipped.bytes.length - 9]! ^= 1
    const foreign = await simulatedPacket('Example Person 4', 4)
    for (const packet of [forged, flipped, foreign]) {
      await receive(parts.registrations, packet)
      expect(await settled(packet.rid)).toMatchObject({
        stage: 'REJECTED',
        reason: expect.stringMatching(/^(OPEN_FAILED|PACKET_INVALID)/),
      })
    }
  })
})
