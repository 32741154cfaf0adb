import { KeyhavenError } from '@keyhaven/crypto'

/** What a JSON schema says of one value, as far as it is checked here. */
export interface SchemaRule {
  readonly type?: JsonType
  readonly values?: readonly unknown[]
  /** Of an object. */
  readonly properties: ReadonlyMap<string, SchemaRule>
  readonly required: readonly string[]
  /** False: no property but those named. */
  readonly open: boolean
  /** Of an array. */
  readonly items?: SchemaRule
  readonly count: Bounds
  readonly length: Bounds
  readonly number: Bounds
}

interface Bounds {
  readonly min: number
  readonly max: number
}

const JSON_TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array'] as const
type JsonType = (typeof JSON_TYPES)[number]
/** To pass over one of these would let through what the schema forbids. */
const UNCHECKED = [
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'if',
  'patternProperties',
  'dependencies',
  'const',
  'contains',
]
const REFERENCE = /^#\/definitions\/([A-Za-z][A-Za-z0-9_]{0,63})$/
const MAX_DEPTH = 8
const MAX_PROPERTIES = 256
/** MOSIP's definitions, for schemas that refer to them and do not bring them. */
const MOSIP_DEFINITIONS: Readonly<Record<string, unknown>> = {
  simpleType: {
    type: 'array',
    items: {
      type: 'object',
      required: ['language', 'value'],
      properties: { language: { type: 'string' }, value: { type: 'string' } },
    },
  },
  documentType: { type: 'object' },
  biometricsType: { type: 'object' },
}

/**
 * Reads one schema of a value: `type`, `enum`, `properties`, `required`, `additionalProperties: false`, `items`, bounds
 * of numbers, texts and arrays, and `$ref` to a definition. Regular expressions are not run: one that somebody else
 * wrote can take for ever. Other keywords are remarks.
 *
 * @param definitions - of the schema.
 * @throws KeyhavenError `INPUT_INVALID` with the path, also for a keyword that cannot be passed over.
 */
export function parseSchemaRule(json: unknown, definitions: unknown, path: string, depth = 0): SchemaRule {
  if (!isObject(json)) throw invalid(path, 'not an object')
  if (depth > MAX_DEPTH) throw invalid(path, 'too deep')
  const unchecked = UNCHECKED.find((keyword) => Object.hasOwn(json, keyword))
  if (unchecked !== undefined) throw invalid(`${path}.${unchecked}`, 'cannot be checked here')
  if (json.$ref !== undefined) {
    return parseSchemaRule(definitionOf(json.$ref, definitions, path), definitions, path, depth + 1)
  }
  const type = JSON_TYPES.find((one) => one === json.type)
  if (json.type !== undefined && type === undefined) throw invalid(`${path}.type`, 'not a type')
  const within = json.properties ?? {}
  if (!isObject(within)) throw invalid(`${path}.properties`, 'not an object')
  const names = Object.keys(within)
  if (names.length > MAX_PROPERTIES) throw invalid(`${path}.properties`, 'too many')
  const rule = (of: unknown, at: string) => parseSchemaRule(of, definitions, `${path}.${at}`, depth + 1)
  return {
    ...(type !== undefined && { type }),
    ...(Array.isArray(json.enum) && { values: json.enum }),
    ...(json.items !== undefined && { items: rule(json.items, 'items') }),
    properties: new Map(names.map((name) => [name, rule(within[name], `properties.${name}`)])),
    required: Array.isArray(json.required) ? json.required.map(String) : [],
    open: json.additionalProperties !== false,
    count: boundsOf(json, 'minItems', 'maxItems'),
    length: boundsOf(json, 'minLength', 'maxLength'),
    number: boundsOf(json, 'minimum', 'maximum'),
  }
}

/**
 * @param path - of the value.
 * @returns the path of what does not follow its rule: names of the schema and positions, no value; undefined: nothing.
 */
export function findBreach(rule: SchemaRule, value: unknown, path: string): string | undefined {
  if (!hasType(rule.type, value)) return path
  if (rule.values !== undefined && !rule.values.includes(value)) return path
  if (typeof value === 'string') return isWithin(rule.length, value.length) ? undefined : path
  if (typeof value === 'number') return isWithin(rule.number, value) ? undefined : path
  if (Array.isArray(value)) {
    if (!isWithin(rule.count, value.length)) return path
    if (rule.items === undefined) return undefined
    return firstOf(value.entries(), ([at, item]) => findBreach(rule.items!, item, `${path}[${at}]`))
  }
  if (!isObject(value)) return undefined
  const missing = rule.required.find((name) => !Object.hasOwn(value, name))
  if (missing !== undefined) return `${path}.${missing}`
  return firstOf(Object.entries(value), ([name, inner]) => {
    const known = rule.properties.get(name)
    if (known !== undefined) return findBreach(known, inner, `${path}.${name}`)
    return rule.open ? undefined : path // its name may say anything
  })
}

function firstOf<T>(all: Iterable<T>, look: (one: T) => string | undefined): string | undefined {
  for (const one of all) {
    const found = look(one)
    if (found !== undefined) return found
  }
  return undefined
}

function hasType(type: JsonType | undefined, value: unknown): boolean {
  switch (type) {
    case undefined:
      return true
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isObject(value)
    case 'integer':
      return Number.isInteger(value)
    default:
      return typeof value === type
  }
}

function definitionOf(reference: unknown, definitions: unknown, path: string): unknown {
  const name = typeof reference === 'string' ? REFERENCE.exec(reference)?.[1] : undefined
  if (name === undefined) throw invalid(`${path}.$ref`, 'not a definition of this schema')
  if (isObject(definitions) && Object.hasOwn(definitions, name)) return definitions[name]
  if (Object.hasOwn(MOSIP_DEFINITIONS, name)) return MOSIP_DEFINITIONS[name]
  throw invalid(`${path}.$ref`, 'not a definition of this schema')
}

function boundsOf(json: Readonly<Record<string, unknown>>, least: string, most: string): Bounds {
  const { [least]: min, [most]: max } = json
  return {
    min: typeof min === 'number' ? min : Number.NEGATIVE_INFINITY,
    max: typeof max === 'number' ? max : Number.POSITIVE_INFINITY,
  }
}

function isWithin({ min, max }: Bounds, size: number): boolean {
  return min <= size && size <= max
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(path: string, what: string): KeyhavenError {
  return new KeyhavenError('INPUT_INVALID', `ID schema, ${path}: ${what}`)
}
