import { setTimeout } from 'node:timers/promises'
import { backend } from '@keyhaven/crypto'
import {
  buildKeyhavenPacket,
  buildPacket,
  openKeyhavenPacket,
  type PacketInput,
  type Profile,
} from '@keyhaven/identity'
import { simulatedRegistration } from '@keyhaven/identity/simulator'
import { testHolder } from '../packages/identity/test/kit/test-keys.ts'
import type { Registrations } from '../packages/server/src/identity/registration/registrations.ts'
import { openObjectStore } from '../packages/server/src/platform/objects/open-object-store.ts'
import {
  machineKey,
  OFFICER,
  openTestRegistrations,
  receive,
  STATION,
  setUpStation,
  simulatedPacket,
} from '../packages/server/test/fixtures/registration-parts.ts'
import { createStateFixture, ENGINES, type Engine } from '../test/kit/engines.ts'
import { type Contestant, measure } from './measure.ts'
import { measuredRow, type Row } from './row.ts'

const PROFILES: readonly Profile[] = ['mosip', 'keyhaven']
/** As many are processed; the simulated ABIS compares each with each. */
const PEOPLE = 60
const WARM_UP_PEOPLE = 10
const BUILT_PEOPLE = 4
const MICROSECONDS_PER_MINUTE = 60_000_000
const MILLISECONDS_PER_MINUTE = 60_000
const MICROSECONDS_PER_MILLISECOND = 1_000
/** Made after officer and machine were entered, which is still to come; a clock may be ahead so far. */
const AHEAD_MILLISECONDS = 200_000
const POLL_MILLISECONDS = 20
const BYTES_PER_KIB = 1_024
const OPTIONS = { inFlight: 1, rounds: 5, sliceMilliseconds: 150, clock: 'processor' } as const
const UNIT = 'packets/min'

type SimulatedPacket = Awaited<ReturnType<typeof simulatedPacket>>

/** Packets of made-up people, each with two documents, ten fingers, two eyes and a face. */
export async function run(): Promise<Row[]> {
  return [...(await build()), ...(await processing())]
}

/** By the client's processor: one core. */
async function build(): Promise<Row[]> {
  const inputs = Array.from({ length: BUILT_PEOPLE }, (_, at) => inputOf(at))
  const next = turns(inputs)
  const at = Date.now()
  const keys = { machineKey: await machineKey(), recipient: (await testHolder(0)).recipient }
  const signer = await backend.signatures.generateKeyPair('EdDSA')
  const kem = await backend.kem.generateKeyPair('x-wing')
  const buildNew = async (input: PacketInput) => {
    const { stream } = await buildKeyhavenPacket(backend, input, { signer, recipient: kem.publicKey }, { at })
    const pieces: Uint8Array[] = []
    for await (const piece of stream) pieces.push(piece)
    return new Uint8Array(Buffer.concat(pieces))
  }
  const made = turns(await Promise.all(inputs.map(buildNew)))
  const open = { privateKey: kem.privateKey, machineVerifyKey: () => signer.publicKey }
  const contestants: Contestant[] = [
    { name: 'packets built, mosip', run: () => buildPacket(backend, next(), keys, { at }) },
    { name: 'packets built, keyhaven', run: () => buildNew(next()) },
    { name: 'packets opened and verified, keyhaven', run: () => openKeyhavenPacket(backend, made(), open) },
  ]
  const figures = await measure(contestants, OPTIONS)
  const { bytes } = await buildPacket(backend, next(), keys, { at })
  return [
    measuredRow('packet, mosip: its size', bytes.length / BYTES_PER_KIB, 'KiB'),
    ...[...figures].map(([name, value]) => measuredRow(name, MICROSECONDS_PER_MINUTE / value, UNIT)),
  ]
}

/** The processor takes MOSIP's packets; the profile is that of the repository in which it stores people. */
async function processing(): Promise<Row[]> {
  const packets: SimulatedPacket[] = []
  for (let person = 0; person < PEOPLE + WARM_UP_PEOPLE; person++) {
    const at = Date.now() + AHEAD_MILLISECONDS
    packets.push(await simulatedPacket(`Bench Person ${person}`, person, { at }))
  }
  const rows: Row[] = []
  for (const engine of ENGINES) {
    for (const profile of PROFILES) rows.push(...(await processOn(engine, profile, packets)))
  }
  return rows
}

async function processOn(
  engine: Engine,
  profile: Profile,
  packets: readonly SimulatedPacket[],
): Promise<Row[]> {
  const fixture = await createStateFixture(engine)
  const objects = await openObjectStore(fixture.config.objects)
  try {
    const state = await fixture.open({ schedule: false })
    const nobody = { issue: async () => {} }
    const { registrations } = await openTestRegistrations(state, objects, nobody, {}, profile)
    await setUpStation(registrations)
    await processAll(registrations, packets.slice(0, WARM_UP_PEOPLE))
    const { milliseconds, cpu } = await processAll(registrations, packets.slice(WARM_UP_PEOPLE))
    const name = `packets processed, ${engine.name}, ${profile}`
    return [
      measuredRow(name, (PEOPLE * MILLISECONDS_PER_MINUTE) / milliseconds, UNIT),
      measuredRow(`${name}: CPU of a packet`, cpu / MICROSECONDS_PER_MILLISECOND / PEOPLE, 'ms of CPU'),
    ]
  } finally {
    objects.close()
    await fixture.dispose()
  }
}

/**
 * What waits, from RECEIVED to the end by the real processor with its jobs: verified, compared, number given,
 * stored, and nobody to whom credentials are issued.
 */
async function processAll(
  registrations: Registrations,
  packets: readonly SimulatedPacket[],
): Promise<{ readonly milliseconds: number; readonly cpu: number }> {
  const ended = async () => (await registrations.counts()).get('CREDENTIALS_ISSUED') ?? 0
  const wanted = (await ended()) + packets.length
  for (const packet of packets) await receive(registrations, packet)
  const before = process.cpuUsage()
  const startedAt = performance.now()
  const failures: unknown[] = []
  const runner = registrations.run((error) => failures.push(error))
  while ((await ended()) < wanted) {
    if (failures.length > 0 || (await registrations.counts()).has('REJECTED')) {
      throw new Error('a packet was not processed', { cause: failures[0] })
    }
    await setTimeout(POLL_MILLISECONDS)
  }
  const milliseconds = performance.now() - startedAt
  const { user, system } = process.cpuUsage(before)
  await runner.stop()
  return { milliseconds, cpu: user + system }
}

function inputOf(sequence: number): PacketInput {
  const place = { station: STATION, sequence, at: Date.now(), officerId: OFFICER }
  return simulatedRegistration(`Bench Client ${sequence}`, place).input
}

function turns<T>(all: readonly T[]): () => T {
  let next = 0
  return () => all[next++ % all.length]!
}
