import { type CryptoBackend, jwkThumbprint, KeyhavenError, randomId } from '@keyhaven/crypto'
import type { CaptureRequest, CaptureResponse, DeviceLevel } from '../device/capture.ts'
import { birOfCapture } from '../device/capture-evidence.ts'
import type { DeviceTrust } from '../device/device-trust.ts'
import { type CapturedBiometric, type CaptureMemory, verifyCapture } from '../device/verify-capture.ts'
import { machineKeyIndex } from '../mosip/digest.ts'
import type { SessionKeyOpener } from '../mosip/session-key.ts'
import { buildPacket, type PacketKeys } from './build-packet.ts'
import type { IdSchema } from './id-schema.ts'
import {
  buildKeyhavenPacket,
  type KeyhavenPacketKeys,
  type PacketStream,
} from './keyhaven/build-keyhaven-packet.ts'
import type { MachineRecord } from './machine-record.ts'
import type { PacketDocument, PacketInput, PacketProgress } from './packet-input.ts'
import { createRid, refIdOf, type Station } from './registration-id.ts'

/** Role of whoever may register people. */
export const REGISTRATION_OFFICER = 'registration-officer'
const TRANSACTION_BYTES = 16

/** Who is signed in: claims of an id token that the app has verified. */
export interface OperatorSession {
  /** The issuer's name of the person. */
  readonly subject: string
  readonly roles: readonly string[]
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** What seals and signs packets, by profile. */
export type RegistrationKeys =
  | ({ readonly profile: 'mosip' } & PacketKeys)
  | ({ readonly profile: 'keyhaven' } & KeyhavenPacketKeys)

export interface RegistrationClientOptions {
  readonly station: Station
  /** The server's record of this machine; see `verifyMachineRecord`. */
  readonly machine: MachineRecord
  readonly keys: RegistrationKeys
  readonly schema: IdSchema
  readonly trust: DeviceTrust
  readonly memory: CaptureMemory
  /** Undefined: nobody is signed in. Asked each time. */
  operator(): OperatorSession | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Another number for each packet of the same second: 0 to 99999. */
  readonly nextSequence: () => number
  /** `Staging`, `Developer`, `Pre-Production`, `Production`. */
  readonly environment: string
  /** Devices that are enough. @defaultValue L1 alone */
  readonly levels?: readonly DeviceLevel[] | undefined
  /** Opens captures that a device encrypted for this machine; see `machineOpener`. */
  readonly captureOpener?: SessionKeyOpener | undefined
}

/** A person to register. Biometrics are such as {@link RegistrationClient.accept} gave. */
export interface RegistrationInput {
  readonly process: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly documents: ReadonlyMap<string, PacketDocument>
  readonly biometrics: ReadonlyMap<string, readonly CapturedBiometric[]>
  readonly supervisorId?: string | undefined
  readonly audits?: ReadonlyArray<Readonly<Record<string, unknown>>> | undefined
}

export interface RegistrationPacket extends PacketStream {
  readonly rid: string
}

/** Registers people at one machine of one centre; needs no network. */
export interface RegistrationClient {
  /** What to ask a device for: a new transaction. */
  requestCapture(previousHash?: string): CaptureRequest
  /** Verifies what a device answered. Throws as `verifyCapture`. */
  accept(request: CaptureRequest, response: CaptureResponse): Promise<readonly CapturedBiometric[]>
  /**
   * @throws KeyhavenError `UNAUTHENTICATED` if nobody is signed in, or not any more; `ACCESS_DENIED` if the operator
   * is no registration officer, or the machine is not registered with this key; `INPUT_INVALID` for biometrics
   * that this client has not verified, and what does not fit the schema.
   */
  build(
    input: RegistrationInput,
    onProgress?: (progress: PacketProgress) => void,
  ): Promise<RegistrationPacket>
}

export function createRegistrationClient(
  backend: CryptoBackend,
  options: RegistrationClientOptions,
): RegistrationClient {
  const { station, keys, now } = options
  const refId = refIdOf(station)
  const verified = new WeakSet<CapturedBiometric>()
  return {
    requestCapture: (previousHash) => ({
      purpose: 'Registration',
      transactionId: randomId(backend, TRANSACTION_BYTES),
      env: options.environment,
      domainUri: refId,
      requestedAt: now(),
      previousHash,
    }),

    async accept(request, response) {
      if (request.purpose !== 'Registration') throw new TypeError('not a capture for registration')
      const captured = await verifyCapture(backend, response, request, {
        trust: options.trust,
        memory: options.memory,
        now: now(),
        ...(options.levels && { levels: options.levels }),
        opener: options.captureOpener,
      })
      for (const biometric of captured) verified.add(biometric)
      return captured
    },

    async build(input, onProgress) {
      const operator = requireOperator(options.operator(), now())
      await requireMachine(backend, keys, options.machine, refId, now())
      const captured = [...input.biometrics.values()].flat()
      if (captured.some((biometric) => !verified.has(biometric))) {
        throw new KeyhavenError('INPUT_INVALID', 'packet: a biometric that no device gave')
      }
      if (captured.some(({ value }) => value === undefined)) {
        throw new KeyhavenError('INPUT_INVALID', 'packet: a biometric that is encrypted for somebody else')
      }
      const at = now()
      const rid = createRid(station, options.nextSequence(), at)
      const packet = packetInput(input, { rid, refId, at, operator, captured, schema: options.schema })
      const build = { at, onProgress }
      if (keys.profile === 'keyhaven')
        return { rid, ...(await buildKeyhavenPacket(backend, packet, keys, build)) }
      const { fileName, bytes } = await buildPacket(backend, packet, keys, build)
      return { rid, fileName, size: bytes.length, stream: onePiece(bytes) }
    },
  }
}

interface PacketContext {
  readonly rid: string
  readonly refId: string
  readonly at: number
  readonly operator: OperatorSession
  readonly captured: readonly CapturedBiometric[]
  readonly schema: IdSchema
}

function packetInput(input: RegistrationInput, context: PacketContext): PacketInput {
  const { rid, refId, operator, captured, schema } = context
  const createdAt = new Date(context.at).toISOString()
  const audit = (eventId: string, eventName: string) => ({
    eventId,
    eventName,
    createdAt,
    createdBy: operator.subject,
  })
  const devices = new Map(captured.map(({ digitalId }) => [digitalId.serialNo, digitalId]))
  return {
    schema,
    rid,
    refId,
    process: input.process,
    fields: input.fields,
    documents: input.documents,
    biometrics: new Map(
      [...input.biometrics].map(([name, birs]) => [name, { birs: birs.map(birOfCapture) }]),
    ),
    audits: [
      ...(input.audits ?? []),
      audit('REG-CAPTURE', `BIOMETRICS_VERIFIED ${captured.length}`),
      audit('REG-PACKET', 'PACKET_BUILT'),
    ],
    operations: {
      officerId: operator.subject,
      officerBiometricFileName: null,
      supervisorId: input.supervisorId ?? null,
      supervisorBiometricFileName: null,
    },
    devices: [...devices.values()].map((digitalId) => ({ digitalId })),
  }
}

function requireOperator(operator: OperatorSession | undefined, now: number): OperatorSession {
  if (operator === undefined) throw new KeyhavenError('UNAUTHENTICATED', 'no operator is signed in')
  if (!(operator.expiresAt > now))
    throw new KeyhavenError('UNAUTHENTICATED', 'the operator’s sign-in has expired')
  if (!operator.roles.includes(REGISTRATION_OFFICER)) {
    throw new KeyhavenError('ACCESS_DENIED', `the operator lacks the role ${REGISTRATION_OFFICER}`)
  }
  return operator
}

async function requireMachine(
  backend: CryptoBackend,
  keys: RegistrationKeys,
  machine: MachineRecord,
  refId: string,
  now: number,
): Promise<void> {
  const keyIndex =
    keys.profile === 'mosip'
      ? await machineKeyIndex(keys.machineKey.publicKeySpki)
      : await jwkThumbprint(backend, keys.signer.publicKey.jwk)
  if (machine.refId !== refId || machine.keyIndex !== keyIndex || !(machine.until > now)) {
    throw new KeyhavenError('ACCESS_DENIED', 'this machine is not registered with this key')
  }
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes
}
