import type { Bir, CbeffRecord } from '../biometrics/bir.ts'
import type { PacketInput } from '../packet/packet-input.ts'
import { createRid, refIdOf, type Station } from '../packet/registration-id.ts'
import { type SimulatedPerson, simulatedPerson } from './person.ts'
import { BODY_PARTS, type BodyPart, simulatedBiometric } from './simulated-biometric.ts'
import { simulatedDocument } from './simulated-document.ts'
import { SIMULATED_SCHEMA } from './simulated-schema.ts'

const QUALITY = 90

/** A record of one simulated capture, without a device. */
export function simulatedBir(person: string, part: BodyPart, capture: string, at: number): Bir {
  return {
    type: part.type,
    subtypes: part.subtype === '' ? [] : part.subtype.split(' '),
    quality: QUALITY,
    bdb: simulatedBiometric(person, part, capture),
    purpose: 'Enroll',
    createdOn: new Date(at).toISOString(),
    level: 'Raw',
  }
}

/** All fingers, eyes and the face of a made-up person. */
export function simulatedRecord(person: string, capture: string, at: number): CbeffRecord {
  return { birs: BODY_PARTS.map((part) => simulatedBir(person, part, capture, at)) }
}

export interface SimulatedRegistrationOptions {
  readonly station: Station
  /** 0 to 99999. */
  readonly sequence: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly officerId: string
  /** Captured by devices; default: made without one. */
  readonly biometrics?: CbeffRecord
}

/** Everything that a packet of a made-up person holds. */
export function simulatedRegistration(
  seed: string,
  { station, sequence, at, officerId, biometrics }: SimulatedRegistrationOptions,
): { readonly person: SimulatedPerson; readonly input: PacketInput } {
  const person = simulatedPerson(seed)
  const rid = createRid(station, sequence, at)
  const createdAt = new Date(at).toISOString()
  const input: PacketInput = {
    schema: SIMULATED_SCHEMA,
    rid,
    refId: refIdOf(station),
    process: 'NEW',
    fields: { ...person.fields },
    documents: new Map([
      ['proofOfIdentity', simulatedDocument(seed, 'DOC001')],
      ['proofOfAddress', simulatedDocument(seed, 'RNC')],
    ]),
    biometrics: new Map([['individualBiometrics', biometrics ?? simulatedRecord(seed, rid, at)]]),
    audits: [{ eventId: 'REG-SIM', eventName: 'SIMULATED_REGISTRATION', createdAt, createdBy: officerId }],
    operations: { officerId, officerBiometricFileName: null, supervisorId: null },
  }
  return { person, input }
}
