import { utf8 } from '@keyhaven/crypto'
import type { CbeffRecord } from '../biometrics/bir.ts'
import { encodeCbeff } from '../biometrics/encode-cbeff.ts'
import {
  BIOMETRIC_SEQUENCE,
  DEMOGRAPHIC_SEQUENCE,
  type HashSequence,
  hashOfSequences,
  OTHER_FILES,
} from './hash-sequences.ts'
import { type IdSchemaField, SCHEMA_VERSION_FIELD, SUB_PACKETS, type SubPacketName } from './id-schema.ts'
import type { PacketInput } from './packet-input.ts'

export const ID_FILE = 'ID.json'
export const AUDIT_FILE = 'audit.json'
export const OFFICER_FILE = 'officer_bio_cbeff.xml'
export const SUPERVISOR_FILE = 'supervisor_bio_cbeff.xml'
export const DATA_HASH_FILE = 'packet_data_hash.txt'
export const OPERATIONS_HASH_FILE = 'packet_operations_hash.txt'
export const META_FILE = 'packet_meta_info.json'
/** What the file of a biometric field is called: the field's name before it. */
export const BIOMETRICS_SUFFIX = '_bio_CBEFF'
const BIOMETRICS_VERSION = 1
/** The sub-packet that operators and audits lie in. */
export const DEFAULT_SUB_PACKET: SubPacketName = 'id'

/** Sub-packets that a schema has fields for. */
export function subPacketsOf(fields: readonly IdSchemaField[]): readonly SubPacketName[] {
  return SUB_PACKETS.filter((name) => fields.some(({ subPackets }) => subPackets.includes(name)))
}

/**
 * The files of one sub-packet in the order that MOSIP writes them: biometrics and documents as the fields come,
 * `ID.json`, what belongs to the operators, the hashes, the meta information.
 */
export async function subPacketFiles(
  name: SubPacketName,
  input: PacketInput,
  meta: Readonly<Record<string, unknown>>,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  const biometrics: string[] = []
  const documents: string[] = []
  const identity: Record<string, unknown> = {}
  for (const field of input.schema.fields) {
    if (!field.subPackets.includes(name)) continue
    const record = input.biometrics.get(field.name)
    const document = input.documents.get(field.name)
    if (record) {
      const value = `${field.name}${BIOMETRICS_SUFFIX}`
      files.set(`${value}.xml`, encodeCbeff(record))
      biometrics.push(value)
      identity[field.name] = { format: 'cbeff', version: BIOMETRICS_VERSION, value }
    } else if (document) {
      const { type, format, refNumber } = document
      files.set(`${field.name}.${format}`, document.bytes)
      documents.push(field.name)
      identity[field.name] = {
        value: field.name,
        type,
        format,
        ...(refNumber !== undefined && { refNumber }),
      }
    } else if (Object.hasOwn(input.fields, field.name)) {
      identity[field.name] = input.fields[field.name]
    }
  }
  identity[SCHEMA_VERSION_FIELD] = input.schema.version
  files.set(ID_FILE, identityText(identity))
  const data: HashSequence[] = [
    { label: BIOMETRIC_SEQUENCE, value: biometrics },
    { label: DEMOGRAPHIC_SEQUENCE, value: [...documents, 'ID'] },
  ]
  const operations = name === DEFAULT_SUB_PACKET ? addOperations(files, input) : undefined
  if (operations)
    files.set(OPERATIONS_HASH_FILE, utf8(await hashOfSequences([operations], byBaseName(files))))
  files.set(DATA_HASH_FILE, utf8(await hashOfSequences(data, byBaseName(files))))
  const sequences = { hashSequence1: data, hashSequence2: operations ? [operations] : [] }
  files.set(META_FILE, identityText({ ...meta, ...sequences }))
  return files
}

function addOperations(files: Map<string, Uint8Array>, input: PacketInput): HashSequence {
  const value: string[] = []
  const add = (file: string, bytes: Uint8Array): void => {
    files.set(file, bytes)
    value.push(baseName(file))
  }
  const addRecord = (file: string, record: CbeffRecord | undefined): void => {
    if (record) add(file, encodeCbeff(record))
  }
  addRecord(OFFICER_FILE, input.officerBiometrics)
  addRecord(SUPERVISOR_FILE, input.supervisorBiometrics)
  add(AUDIT_FILE, utf8(JSON.stringify(input.audits)))
  return { label: OTHER_FILES, value }
}

/** The exact text that MOSIP's packet writer makes around the JSON. */
function identityText(identity: Readonly<Record<string, unknown>>): Uint8Array {
  return utf8(`{ "identity" : ${JSON.stringify(identity)} } `)
}

/** Files by their names without extension, as hash sequences name them. */
export function byBaseName(files: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  return new Map([...files].map(([name, bytes]) => [baseName(name), bytes]))
}

export function baseName(file: string): string {
  const dot = file.lastIndexOf('.')
  return dot < 0 ? file : file.slice(0, dot)
}
