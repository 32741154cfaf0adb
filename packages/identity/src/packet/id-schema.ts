import { KeyhavenError } from '@keyhaven/crypto'
import { packetInvalid } from './packet-invalid.ts'
import { findBreach, parseSchemaRule, type SchemaRule } from './schema-rule.ts'

/** Parts of a packet, in the order they are written. */
export const SUB_PACKETS = ['id', 'evidence', 'optional'] as const
export type SubPacketName = (typeof SUB_PACKETS)[number]

/** MOSIP's categories of a field: who may use it, and so which sub-packet it lies in. */
const SUB_PACKETS_OF_CATEGORY: Readonly<Record<string, readonly SubPacketName[]>> = {
  pvt: ['id'],
  kyc: ['id'],
  evidence: ['evidence'],
  optional: ['optional'],
  none: SUB_PACKETS,
}

/** MOSIP's process that registers somebody for the first time. */
export const NEW_REGISTRATION = 'NEW'
/** The field that every sub-packet repeats. */
export const SCHEMA_VERSION_FIELD = 'IDSchemaVersion'
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/
const MAX_FIELDS = 256

export type FieldKind = 'demographic' | 'document' | 'biometrics'

export interface IdSchemaField {
  readonly name: string
  readonly kind: FieldKind
  readonly subPackets: readonly SubPacketName[]
  readonly required: boolean
  /** What its value must be; absent: anything. */
  readonly rule?: SchemaRule
}

/** What a country collects of a person. */
export interface IdSchema {
  /** Such as 0.1. */
  readonly version: number
  /** In the order of the schema, which is that of the files in a packet. */
  readonly fields: readonly IdSchemaField[]
}

/**
 * Reads MOSIP's ID schema: a JSON schema whose `properties.identity.properties` are the fields, each with a
 * `fieldCategory`.
 *
 * @param version - of the schema; MOSIP keeps it beside the schema, as `idVersion`.
 * @throws KeyhavenError `INPUT_INVALID` with the path that is wrong.
 */
export function parseIdSchema(json: unknown, version: number): IdSchema {
  const identity = child(child(json, 'properties', ''), 'identity', 'properties')
  const { definitions } = json as { readonly definitions?: unknown }
  const properties = child(identity, 'properties', 'properties.identity')
  const names = Object.keys(properties)
  if (names.length > MAX_FIELDS) throw invalid('properties.identity.properties', 'too many fields')
  const required = Array.isArray(identity.required) ? identity.required : []
  const fields = names.map((name) => {
    const path = `properties.identity.properties.${name}`
    if (!FIELD_NAME.test(name)) throw invalid(path, 'not a name of a field')
    const field = child(properties, name, 'properties.identity.properties')
    const category = field.fieldCategory ?? 'none'
    const subPackets =
      typeof category === 'string' ? SUB_PACKETS_OF_CATEGORY[category.toLowerCase()] : undefined
    if (subPackets === undefined) throw invalid(`${path}.fieldCategory`, 'not a category')
    const rule = parseSchemaRule(field, definitions, path)
    return { name, kind: kindOf(field.$ref), subPackets, required: required.includes(name), rule }
  })
  if (!(Number.isFinite(version) && version >= 0)) throw invalid('version', 'not a number')
  return { version, fields }
}

/**
 * Checks the fields of a packet against its schema. Which of them must be there only a first registration is asked.
 *
 * @throws KeyhavenError `PACKET_INVALID` with the path that is wrong: names of fields and positions, no value.
 */
export function requireSchema(
  { fields }: IdSchema,
  process: string,
  identity: Readonly<Record<string, unknown>>,
): void {
  for (const { name, required, rule } of fields) {
    const path = `identity.${name}`
    if (!Object.hasOwn(identity, name)) {
      if (required && process === NEW_REGISTRATION) throw packetInvalid(`schema: ${path} is missing`)
      continue
    }
    const wrong = rule && findBreach(rule, identity[name], path)
    if (wrong !== undefined) throw packetInvalid(`schema: ${wrong}`)
  }
}

function kindOf(reference: unknown): FieldKind {
  if (typeof reference !== 'string') return 'demographic'
  if (/\/biometricsType$/.test(reference)) return 'biometrics'
  return /\/documentType$/.test(reference) ? 'document' : 'demographic'
}

function child(parent: unknown, name: string, path: string): Record<string, unknown> {
  const value =
    typeof parent === 'object' && parent !== null && Object.hasOwn(parent, name)
      ? (parent as Record<string, unknown>)[name]
      : undefined
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(path === '' ? name : `${path}.${name}`, 'not an object')
  }
  return value as Record<string, unknown>
}

function invalid(path: string, what: string): KeyhavenError {
  return new KeyhavenError('INPUT_INVALID', `ID schema, ${path}: ${what}`)
}
