import { backend, type KemKeyPair, type KeyhavenError, type SigningKey, toBase64url } from '@keyhaven/crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  buildKeyhavenPacket,
  type OpenKeyhavenPacketOptions,
  openKeyhavenPacket,
  openPacket,
  type PacketInput,
} from '../../src/index.ts'
import { SIMULATED_SCHEMA, simulatedRegistration } from '../../src/simulator/index.ts'
import { NOW, REF_ID, STATION, testPacket, testStation } from '../kit/registration.ts'

let kem: KemKeyPair
let signer: SigningKey
let options: OpenKeyhavenPacketOptions
let bytes: Uint8Array
let input: PacketInput
let sequence = 0

beforeAll(async () => {
  kem = await backend.kem.generateKeyPair('x-wing')
  signer = await backend.signatures.generateKeyPair('EdDSA')
  options = {
    privateKey: kem.privateKey,
    machineVerifyKey: (refId) => (refId === REF_ID ? signer.publicKey : undefined),
    schema: SIMULATED_SCHEMA,
  }
  const made = await packet('p4')
  bytes = made.bytes
  input = made.input
})

async function packet(seed: string, key = signer, recipient = kem.publicKey) {
  const common = { station: STATION, sequence: sequence++, at: NOW, officerId: 'officer-1' }
  const registration = simulatedRegistration(seed, common)
  const steps: string[] = []
  const made = await buildKeyhavenPacket(
    backend,
    registration.input,
    { signer: key, recipient },
    { at: NOW, onProgress: ({ done, total, step }) => steps.push(`${done}/${total} ${step}`) },
  )
  const pieces: Uint8Array[] = []
  for await (const piece of made.stream) pieces.push(piece)
  return { ...made, input: registration.input, steps, bytes: new Uint8Array(Buffer.concat(pieces)) }
}

const open = (given: Uint8Array, over: object = {}) =>
  openKeyhavenPacket(backend, given, { ...options, ...over })
const refusal = (given: Uint8Array, over: object = {}): Promise<string> =>
  open(given, over).then(
    () => 'opened',
    ({ code, message }: KeyhavenError) => `${code}: ${message}`,
  )

test('a packet opens as it was built, in pieces of the size that was announced', async () => {
  const made = await packet('p2')
  expect(made.bytes.length).toBe(made.size)
  expect(made.steps.at(0)).toBe('1/7 packed the sub-packet id')
  expect(made.steps.at(-1)).toBe('7/7 encrypted the sub-packet optional')
  const opened = await open(made.bytes)
  expect(opened).toMatchObject({ profile: 'keyhaven', rid: made.input.rid, refId: REF_ID, process: 'NEW' })
  expect(opened.identity).toMatchObject(made.input.fields)
  expect([...opened.biometrics]).toEqual([...made.input.biometrics])
})

test('machines with a PS256 key sign as well', async () => {
  const key = await backend.signatures.generateKeyPair('PS256')
  const made = await packet('p3', key)
  expect(await refusal(made.bytes, { machineVerifyKey: () => key.publicKey })).toBe('opened')
})

describe('whatever is changed does not open', () => {
  test('cut, flipped or longer at any place', async () => {
    const answers = new Set<string>()
    const front = 4 + 1 + 30 + 12 + 32 + 1_120
    for (const at of [
      0,
      4,
      5,
      36,
      47,
      60,
      90,
      front - 1,
      front,
      front + 2,
      front + 100,
      20_000,
      bytes.length - 1,
    ]) {
      answers.add(await refusal(bytes.slice(0, at)))
      const changed = bytes.slice()
      changed[at]! ^= 1
      const answer = await refusal(changed)
      // The ids stand in clear: another station is another machine before anything is opened.
      if (answer !== 'PACKET_INVALID: machine: it is not registered') answers.add(answer)
    }
    answers.add(await refusal(Uint8Array.of(...bytes, 0)))
    expect([...answers]).toEqual([expect.stringMatching(/^OPEN_FAILED/)])
  })

  test('with parts of another packet, or its own in another order', async () => {
    const other = (await packet('p1')).bytes
    const answers = new Set<string>()
    for (const at of [47, 80, 1_199, 2_500]) {
      answers.add(await refusal(Uint8Array.of(...bytes.slice(0, at), ...other.slice(at))))
    }
    const [a, b] = [bytes.slice(-400, -200), bytes.slice(-200)]
    answers.add(await refusal(Uint8Array.of(...bytes.slice(0, -400), ...b, ...a)))
    expect([...answers]).toEqual([expect.stringMatching(/^OPEN_FAILED/)])
  })
})

test('another registration, station, machine or key is refused', async () => {
  expect(await refusal(bytes, { expected: { rid: input.rid, refId: REF_ID } })).toBe('opened')
  expect(await refusal(bytes, { expected: { rid: '1'.repeat(29) } })).toBe('PACKET_INVALID: registration id')
  expect(await refusal(bytes, { expected: { refId: '10001_10078' } })).toBe('PACKET_INVALID: reference id')
  const stranger = await backend.signatures.generateKeyPair('EdDSA')
  expect(await refusal(bytes, { machineVerifyKey: () => stranger.publicKey })).toBe(
    'PACKET_INVALID: signature of the manifest',
  )
  const { privateKey } = await backend.kem.generateKeyPair('x-wing')
  expect(await refusal(bytes, { privateKey })).toMatch(/^OPEN_FAILED/)
})

test('a manifest that a machine signed for another packet does not count', async () => {
  const { PACKET_SUITE, decodePacketFront, encodePacketHeader, packetInfo } = await import(
    '../../src/packet/keyhaven/packet-header.ts'
  )
  const { header, enc, manifest, files } = decodePacketFront(bytes)!
  const recipient = await backend.hpke.setupRecipient(PACKET_SUITE, kem.privateKey, enc, packetInfo(header))
  const signed = await recipient.open(manifest, new Uint8Array(0))
  // Whoever opened it seals the signed manifest once more: to the same key, under another encapsulation.
  const sender = await backend.hpke.setupSender(PACKET_SUITE, kem.publicKey, packetInfo(header))
  const again = await sender.seal(signed, new Uint8Array(0))
  expect(again.length).toBe(manifest.length)
  const length = bytes.slice(
    encodePacketHeader(header).length + enc.length,
    bytes.length - files.length - manifest.length,
  )
  const forged = Uint8Array.of(...encodePacketHeader(header), ...sender.enc, ...length, ...again, ...files)
  expect(await refusal(forged)).toBe('PACKET_INVALID: manifest: enc')
  expect(toBase64url(sender.enc)).not.toBe(toBase64url(enc))
})

test('neither decoder reads the other profile', async () => {
  const station = await testStation()
  const mosip = await testPacket(station, 'p1')
  expect(await refusal(mosip.bytes)).toMatch(/^OPEN_FAILED/)
  await expect(openPacket(backend, bytes, station.open)).rejects.toMatchObject({ code: 'OPEN_FAILED' })
})
