import { KeyhavenError } from '@keyhaven/crypto'
import type { CbeffRecord } from '../biometrics/bir.ts'
import { type IdSchema, NEW_REGISTRATION, SCHEMA_VERSION_FIELD } from './id-schema.ts'
import { requireRefId, requireRid } from './registration-id.ts'

export interface PacketDocument {
  readonly bytes: Uint8Array
  /** Code of the kind of document, such as `DOC001`. */
  readonly type: string
  /** File extension: `pdf`, `png`. */
  readonly format: string
  readonly refNumber?: string | undefined
}

/** What is registered of a person, and by whom. */
export interface PacketInput {
  readonly schema: IdSchema
  /** 29 digits. */
  readonly rid: string
  /** `centre_machine`. */
  readonly refId: string
  /** `NEW`, `UPDATE`, `LOST`, … */
  readonly process: string
  /** Demographic values by field, as they go into the JSON. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly documents: ReadonlyMap<string, PacketDocument>
  readonly biometrics: ReadonlyMap<string, CbeffRecord>
  readonly officerBiometrics?: CbeffRecord | undefined
  readonly supervisorBiometrics?: CbeffRecord | undefined
  /** At least one: what was done at the machine. */
  readonly audits: ReadonlyArray<Readonly<Record<string, unknown>>>
  /** `officerId`, `supervisorId` and such. */
  readonly operations: Readonly<Record<string, string | null>>
  /** Digital ids of the devices that captured. */
  readonly devices?: readonly unknown[] | undefined
}

/** A step of long work that is done: `signature of the sub-packet id`. */
export interface PacketProgress {
  readonly done: number
  readonly total: number
  readonly step: string
}

const PROCESS = /^[A-Z][A-Z0-9_]{0,31}$/
const DOCUMENT_FORMAT = /^[A-Za-z0-9]{1,8}$/

/**
 * Checks what goes into a packet against its schema.
 *
 * @throws KeyhavenError `INPUT_INVALID` with the field that is missing, unknown or of another kind;
 * `PACKET_INVALID` on a wrong id.
 */
export function requirePacketInput(input: PacketInput): void {
  requireRid(input.rid)
  requireRefId(input.refId)
  if (!PROCESS.test(input.process)) throw invalid('process')
  if (input.audits.length === 0) throw invalid('audits: at least one')
  const kinds = new Map(input.schema.fields.map(({ name, kind }) => [name, kind]))
  const given = [
    ...Object.keys(input.fields).map((name) => [name, 'demographic'] as const),
    ...[...input.documents.keys()].map((name) => [name, 'document'] as const),
    ...[...input.biometrics.keys()].map((name) => [name, 'biometrics'] as const),
  ]
  for (const [name, kind] of given) {
    if (!kinds.has(name)) throw invalid(`${name} is not a field of the schema`)
    if (kinds.get(name) !== kind) throw invalid(`${name} is not ${kind} in the schema`)
  }
  for (const [name, { bytes, format, type }] of input.documents) {
    if (bytes.length === 0 || type === '' || !DOCUMENT_FORMAT.test(format)) throw invalid(`document ${name}`)
  }
  // Whoever is registered already brings what changes.
  if (input.process !== NEW_REGISTRATION) return
  const names = new Set(given.map(([name]) => name))
  for (const { name, required } of input.schema.fields) {
    if (required && name !== SCHEMA_VERSION_FIELD && !names.has(name)) throw invalid(`${name} is missing`)
  }
}

function invalid(what: string): KeyhavenError {
  return new KeyhavenError('INPUT_INVALID', `packet: ${what}`)
}
