import { backend, type RsaPrivateKey } from '@keyhaven/crypto'
import {
  type BuiltPacket,
  buildPacket,
  type MachineKey,
  type OpenPacketOptions,
  type PacketInput,
  refIdOf,
  softwareMachineKey,
} from '../../src/index.ts'
import { simulatedRegistration } from '../../src/simulator/index.ts'
import { type TestHolder, testHolder, testKey } from './test-keys.ts'

export const NOW = Date.UTC(2026, 2, 1, 9, 30, 0)
export const STATION = { centreId: '10001', machineId: '10077' }
export const REF_ID = refIdOf(STATION)

/** A station with its machine key K10 and the key K11 that its packets are encrypted for. */
export interface TestStation {
  readonly machine: RsaPrivateKey
  readonly machineKey: MachineKey
  readonly k11: TestHolder
  readonly open: OpenPacketOptions
}

export async function testStation(): Promise<TestStation> {
  const machine = await testKey(0)
  const k11 = await testHolder(1)
  return {
    machine,
    machineKey: softwareMachineKey(backend, machine),
    k11,
    open: {
      opener: k11.opener,
      machinePublicKey: (refId) => (refId === REF_ID ? machine.publicKey : undefined),
    },
  }
}

let sequence = 0

/** A packet of a made-up person. */
export async function testPacket(
  station: TestStation,
  seed: string,
  change: (input: PacketInput) => PacketInput = (input) => input,
): Promise<BuiltPacket & { readonly input: PacketInput }> {
  const registration = simulatedRegistration(seed, {
    station: STATION,
    sequence: sequence++,
    at: NOW,
    officerId: 'officer-1',
  })
  const input = change(registration.input)
  const keys = { machineKey: station.machineKey, recipient: station.k11.recipient }
  return { input, ...(await buildPacket(backend, input, keys, { at: NOW })) }
}
