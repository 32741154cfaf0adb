import { backend, jwkThumbprint } from '@keyhaven/crypto'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type CapturedBiometric,
  createCaptureMemory,
  createRegistrationClient,
  type MachineRecord,
  machineKeyIndex,
  machineOpener,
  machineRecipient,
  type OperatorSession,
  openKeyhavenPacket,
  openPacket,
  parsePacketFileName,
  type RegistrationClient,
  type RegistrationClientOptions,
  type RegistrationInput,
  signedCaptureOf,
  signJwt,
  signMachineRecord,
  verifyMachineRecord,
} from '../../src/index.ts'
import {
  createSimulatedDevice,
  createSimulatedTrust,
  SIMULATED_SCHEMA,
  type SimulatedDevice,
  type SimulatedTrust,
  simulatedDocument,
  simulatedPerson,
} from '../../src/simulator/index.ts'
import { REF_ID, STATION, type TestStation, testStation } from '../kit/registration.ts'
import { testHolder, testKey } from '../kit/test-keys.ts'

const NOW = Date.now()
let now = NOW
let station: TestStation
let trust: SimulatedTrust
let camera: SimulatedDevice
let scanner: SimulatedDevice
let operator: OperatorSession | undefined
let options: RegistrationClientOptions
let client: RegistrationClient

beforeAll(async () => {
  station = await testStation()
  let next = 0
  trust = await createSimulatedTrust(backend, { at: NOW - 60_000, newKey: () => testKey(next++) })
  const device = { trust, level: 'L1', now: () => now } as const
  camera = await createSimulatedDevice(backend, { ...device, type: 'Face', serialNo: '100000000001' })
  scanner = await createSimulatedDevice(backend, { ...device, type: 'Finger', serialNo: '100000000002' })
})

beforeEach(async () => {
  now = NOW
  operator = { subject: 'officer-1', roles: ['registration-officer'], expiresAt: NOW + 3_600_000 }
  options = {
    station: STATION,
    machine: {
      refId: REF_ID,
      keyIndex: await machineKeyIndex(station.machineKey.publicKeySpki),
      until: NOW + 86_400_000,
    },
    keys: { profile: 'mosip', machineKey: station.machineKey, recipient: station.k11.recipient },
    schema: SIMULATED_SCHEMA,
    trust: { ...trust.anchors, revoked: () => false },
    memory: createCaptureMemory(() => now),
    operator: () => operator,
    now: () => now,
    nextSequence: () => 7,
    environment: 'Developer',
  }
  client = createRegistrationClient(backend, options)
})

async function capture(from: RegistrationClient, encrypted = false): Promise<readonly CapturedBiometric[]> {
  const recipient = encrypted ? await machineRecipient(backend, station.machineKey) : undefined
  const face = from.requestCapture()
  const faces = await from.accept(
    face,
    await camera.capture({ request: face, person: 'p1', parts: [{ type: 'Face', subtype: '' }], recipient }),
  )
  const finger = from.requestCapture(faces.at(-1)!.item.hash)
  const parts = [
    { type: 'Finger', subtype: 'Left Thumb' },
    { type: 'Finger', subtype: 'Right Thumb' },
  ] as const
  const fingers = await scanner.capture({ request: finger, person: 'p1', parts, recipient })
  return [...faces, ...(await from.accept(finger, fingers))]
}

function person(captured: readonly CapturedBiometric[]): RegistrationInput {
  return {
    process: 'NEW',
    fields: { ...simulatedPerson('p1').fields },
    documents: new Map([['proofOfAddress', simulatedDocument('p1', 'RNC')]]),
    biometrics: new Map([['individualBiometrics', captured]]),
  }
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return new Uint8Array(Buffer.concat(pieces))
}

test('a person is registered: two devices, one chain of hashes, the packet says who did it', async () => {
  const steps: number[] = []
  const packet = await client.build(person(await capture(client)), ({ done, total }) =>
    steps.push(done / total),
  )
  expect(steps.at(-1)).toBe(1)
  expect(steps).toEqual([...steps].sort((a, b) => a - b))
  expect(parsePacketFileName(packet.fileName)).toEqual({ id: packet.rid, refId: REF_ID })
  const bytes = await bytesOf(packet.stream)
  expect(bytes.length).toBe(packet.size)
  const opened = await openPacket(backend, bytes, { ...station.open, schema: SIMULATED_SCHEMA })
  const { birs } = opened.biometrics.get('individualBiometrics')!
  expect(birs.map(({ type }) => type)).toEqual(['Face', 'Finger', 'Finger'])
  expect(birs.map(signedCaptureOf)).not.toContain(undefined)
  expect(opened.meta.operationsData).toContainEqual({ label: 'officerId', value: 'officer-1' })
  expect(opened.meta.capturedRegisteredDevices).toMatchObject([
    { digitalId: { serialNo: '100000000001' } },
    { digitalId: { serialNo: '100000000002' } },
  ])
  expect(opened.audits).toMatchObject([
    { eventId: 'REG-CAPTURE' },
    { eventId: 'REG-PACKET', createdBy: 'officer-1' },
  ])
})

test('captures that were encrypted for this machine go into the packet too, others do not', async () => {
  const opening = createRegistrationClient(backend, {
    ...options,
    captureOpener: machineOpener(backend, station.machineKey),
  })
  const captured = await capture(opening, true)
  expect(captured.every(({ item, value }) => item.sessionKey !== undefined && value !== undefined)).toBe(true)
  await opening.build(person(captured))
  const sealed = await capture(client, true)
  await expect(client.build(person(sealed))).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  const { k11 } = station
  const request = opening.requestCapture()
  const face = {
    request,
    person: 'p1',
    parts: [{ type: 'Face', subtype: '' }],
    recipient: k11.recipient,
  } as const
  await expect(opening.accept(request, await camera.capture(face))).rejects.toMatchObject({
    code: 'OPEN_FAILED',
  })
})

test('profile keyhaven: the same flow under a key of today', async () => {
  const kem = await backend.kem.generateKeyPair('x-wing')
  const signer = await backend.signatures.generateKeyPair('EdDSA')
  const keyIndex = await jwkThumbprint(backend, signer.publicKey.jwk)
  const other = createRegistrationClient(backend, {
    ...options,
    machine: { ...options.machine, keyIndex },
    keys: { profile: 'keyhaven', signer, recipient: kem.publicKey },
  })
  const packet = await other.build(person(await capture(other)))
  const opened = await openKeyhavenPacket(backend, await bytesOf(packet.stream), {
    privateKey: kem.privateKey,
    machineVerifyKey: () => signer.publicKey,
    schema: SIMULATED_SCHEMA,
  })
  expect(opened.rid).toBe(packet.rid)
})

describe('no packet is built', () => {
  const refused = async (code: string, using = client) => {
    const captured = await capture(client)
    await expect(using.build(person(captured))).rejects.toMatchObject({ code })
  }

  test('without an operator, with one whose sign-in has expired, or who is no registration officer', async () => {
    const signedIn = operator!
    operator = undefined
    await refused('UNAUTHENTICATED')
    operator = { ...signedIn, expiresAt: now }
    await refused('UNAUTHENTICATED')
    operator = { ...signedIn, roles: ['viewer'] }
    await refused('ACCESS_DENIED')
    operator = signedIn
    await client.build(person(await capture(client)))
    now += 3_600_001
    await expect(client.build(person([]))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('on a machine that is not registered, or with another key, or not any more', async () => {
    for (const change of [{ refId: '10001_10078' }, { keyIndex: '00:11' }, { until: now }]) {
      const machine = { ...options.machine, ...change }
      await refused('ACCESS_DENIED', createRegistrationClient(backend, { ...options, machine }))
    }
  })

  test('with a biometric that this client has not verified', async () => {
    const captured = await capture(client)
    await refused('INPUT_INVALID', createRegistrationClient(backend, options))
    const copied = captured.map((biometric) => ({ ...biometric }))
    await expect(client.build(person(copied))).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  })

  test('of what does not fit the schema', async () => {
    const input = person(await capture(client))
    const { fullName: _, ...without } = input.fields as Record<string, unknown>
    const invalid = { code: 'INPUT_INVALID' }
    await expect(client.build({ ...input, fields: without })).rejects.toMatchObject({
      ...invalid,
      message: 'packet: fullName is missing',
    })
    await expect(client.build({ ...input, fields: { ...input.fields, shoeSize: 43 } })).rejects.toMatchObject(
      invalid,
    )
    await expect(client.build({ ...input, biometrics: new Map() })).rejects.toMatchObject(invalid)
    const documents = new Map([['phone', simulatedDocument('p1', 'RNC')]])
    await expect(client.build({ ...input, documents })).rejects.toMatchObject(invalid)
    await expect(client.build({ ...input, process: 'new' })).rejects.toMatchObject(invalid)
  })

  test('and a capture is not taken twice', async () => {
    const request = client.requestCapture()
    const response = await camera.capture({ request, person: 'p1', parts: [{ type: 'Face', subtype: '' }] })
    await client.accept(request, response)
    await expect(client.accept(request, response)).rejects.toMatchObject({ code: 'REPLAYED' })
  })
})

test('a record that the server signed says which machine belongs to a centre', async () => {
  const server = await testHolder(3)
  const signed = (payload: unknown) => signMachineRecord(server.signer, payload as MachineRecord)
  const verify = async (jws: string) => verifyMachineRecord(backend, jws, { trust: () => {} })
  expect(await verify(await signed(options.machine))).toEqual(options.machine)
  await expect(verify(await signed({ refId: REF_ID }))).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
  // What the key manager signs for a service with the same key.
  const asked = await signJwt(server.signer, JSON.stringify(options.machine))
  await expect(verify(asked)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
  const jws = await signed(options.machine)
  await expect(verify(`${jws.slice(0, -4)}AAAA`)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
})
