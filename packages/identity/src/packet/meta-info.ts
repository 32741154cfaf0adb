import type { CbeffRecord } from '../biometrics/bir.ts'
import { bioAttributeOf } from '../biometrics/modality.ts'
import {
  BIOMETRIC_SEQUENCE,
  DEMOGRAPHIC_SEQUENCE,
  type HashSequence,
  OTHER_FILES,
  readHashSequences,
} from './hash-sequences.ts'
import type { PacketInput } from './packet-input.ts'
import { packetInvalid } from './packet-invalid.ts'
import { parseJsonObject } from './side-file.ts'

interface Labelled {
  readonly label: string
  readonly value: string | null
}

/** Who and what made the packet, as every sub-packet repeats it, without the hash sequences. */
export function metaInfoOf(input: PacketInput, createdOn: string): Record<string, unknown> {
  const [centreId, machineId] = input.refId.split('_') as [string, string]
  const metaData: Labelled[] = [
    { label: 'creationDate', value: createdOn },
    { label: 'centerId', value: centreId },
    { label: 'machineId', value: machineId },
    { label: 'registrationId', value: input.rid },
    { label: 'registrationType', value: input.process },
  ]
  return {
    registrationId: input.rid,
    creationDate: createdOn,
    metaData,
    operationsData: Object.entries(input.operations).map(([label, value]): Labelled => ({ label, value })),
    documents: [...input.documents].map(([name, { type, refNumber = null }]) => ({
      documentName: name,
      documentCategory: type,
      documentOwner: 'Applicant',
      refNumber,
    })),
    biometrics: { applicant: capturedParts(input.biometrics), 'applicant-auth': {}, introducer: {} },
    exceptionBiometrics: {},
    capturedRegisteredDevices: input.devices ?? [],
  }
}

function capturedParts(biometrics: ReadonlyMap<string, CbeffRecord>): Record<string, unknown> {
  const parts: Record<string, unknown> = {}
  for (const [field, { birs }] of biometrics) {
    for (const [index, bir] of birs.entries()) {
      const part = bioAttributeOf(bir.type, bir.subtypes)
      if (part) parts[part] = { birindex: `${field}-${index}`, numRetry: 1, forceCaptured: false }
    }
  }
  return parts
}

export interface MetaInfo {
  readonly identity: Readonly<Record<string, unknown>>
  readonly data: readonly HashSequence[]
  readonly operations: readonly HashSequence[]
}

/** @throws KeyhavenError `PACKET_INVALID` */
export function parseMetaInfo(bytes: Uint8Array, what: string): MetaInfo {
  const check = `meta information of the ${what}`
  const { identity } = parseJsonObject(bytes, check)
  if (typeof identity !== 'object' || identity === null || Array.isArray(identity)) throw packetInvalid(check)
  const { hashSequence1, hashSequence2 } = identity as Record<string, unknown>
  return {
    identity: identity as Record<string, unknown>,
    data: readHashSequences(hashSequence1, [BIOMETRIC_SEQUENCE, DEMOGRAPHIC_SEQUENCE]),
    operations: readHashSequences(hashSequence2, [OTHER_FILES]),
  }
}

/**
 * The signed part of a sub-packet must name the registration and the station that the unsigned side file names:
 * otherwise a sub-packet could be put into another packet of the same machine.
 *
 * @throws KeyhavenError `PACKET_INVALID`
 */
export function requireSameOrigin(meta: MetaInfo, rid: string, refId: string, what: string): void {
  const [centreId, machineId] = refId.split('_')
  const labelled = labelledValues(meta.identity.metaData)
  const named = [meta.identity.registrationId, labelled.get('registrationId')].filter(isText)
  if (named.length === 0 || named.some((id) => id !== rid)) {
    throw packetInvalid(`registration id inside the ${what}`)
  }
  if (labelled.get('centerId') !== centreId || labelled.get('machineId') !== machineId) {
    throw packetInvalid(`reference id inside the ${what}`)
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** A list of label and value, as MOSIP keeps what it knows of a packet. */
export function labelledValues(list: unknown): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>()
  for (const item of Array.isArray(list) ? list : []) {
    const { label, value } = (item ?? {}) as Record<string, unknown>
    if (typeof label === 'string' && !values.has(label)) values.set(label, value)
  }
  return values
}
