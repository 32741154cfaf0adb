import { fromAnyBase64 } from '../mosip/base64.ts'
import {
  BIR_LEVELS,
  BIR_PURPOSES,
  type Bir,
  type BirLevel,
  type BirPurpose,
  type CbeffRecord,
} from './bir.ts'
import { MAX_BIRS } from './cbeff-schema.ts'
import { isBiometricType, isSubtypeOf } from './modality.ts'
import { type CbeffElement, readCbeffElements } from './read-xml.ts'
import { refuse } from './refuse-cbeff.ts'

const WHOLE_NUMBER = /^\d{1,3}$/
const MAX_QUALITY = 100
const DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?$/

/**
 * Reads a CBEFF file of MOSIP: an outer record around those of fingers, eyes and a face. Data blocks may be
 * base64url or base64, as both are in use.
 *
 * @param file - its bytes, or their text where they were decoded already.
 * @throws KeyhavenError `WIRE_MALFORMED` on anything that such a file does not hold, `WIRE_TOO_LARGE`.
 */
export function parseCbeff(file: Uint8Array | string): CbeffRecord {
  const root = readCbeffElements(file)
  const records = childrenOf(root, 'BIR')
  if (records.length > MAX_BIRS) refuse('too many records')
  if (childrenOf(root, 'BDB').length > 0) refuse('a data block in the outer record')
  const others = childrenOf(root, 'Others').map(({ children }) => {
    const [key, value] = [textOf(children, 'Key'), textOf(children, 'Value')]
    if (key === undefined) return refuse('Others without a key')
    return [key, value ?? ''] as const
  })
  const birs = records.map(readBir)
  return others.length > 0 ? { birs, others: entriesOf(others) } : { birs }
}

function readBir(element: CbeffElement): Bir {
  if (childrenOf(element, 'BIR').length > 0) refuse('a record in a record')
  const info = childrenOf(element, 'BDBInfo')[0]
  if (info === undefined) return refuse('no BDBInfo')
  const type = required(info, 'Type')
  if (!isBiometricType(type)) return refuse('an unknown type')
  const subtypes = (textOf(info.children, 'Subtype') ?? '').split(/\s+/).filter((word) => word !== '')
  if (!isSubtypeOf(type, subtypes.join(' '))) refuse('an unknown subtype')
  const sb = textOf(element.children, 'SB')
  const others = childrenOf(element, 'others')[0]?.children.map(({ key, text }) => {
    if (key === undefined) return refuse('an entry without a key')
    return [key, text] as const
  })
  return {
    type,
    subtypes,
    quality: readQuality(info),
    bdb: fromAnyBase64(required(element, 'BDB')),
    purpose: oneOf<BirPurpose>(textOf(info.children, 'Purpose') ?? 'Enroll', BIR_PURPOSES, 'purpose'),
    createdOn: readDate(required(info, 'CreationDate')),
    level: oneOf<BirLevel>(textOf(info.children, 'Level') ?? 'Raw', BIR_LEVELS, 'level'),
    ...(sb !== undefined && sb !== '' && { sb: fromAnyBase64(sb) }),
    ...(others !== undefined && { others: entriesOf(others) }),
  }
}

function readQuality(info: CbeffElement): number {
  const quality = childrenOf(info, 'Quality')[0]
  const score = quality && textOf(quality.children, 'Score')
  if (score === undefined) return 0
  if (!WHOLE_NUMBER.test(score) || Number(score) > MAX_QUALITY) refuse('a quality that is not 0 to 100')
  return Number(score)
}

/** MOSIP writes dates without a zone too, and means UTC. */
function readDate(text: string): string {
  const match = DATE.exec(text)
  const time = match === null ? Number.NaN : Date.parse(match[2] === undefined ? `${text}Z` : text)
  if (Number.isNaN(time)) refuse('a date that is none')
  return new Date(time).toISOString()
}

function childrenOf(element: CbeffElement, name: string): readonly CbeffElement[] {
  return element.children.filter((child) => child.name === name)
}

function textOf(children: readonly CbeffElement[], name: string): string | undefined {
  return children.find((child) => child.name === name)?.text
}

function required(element: CbeffElement, name: string): string {
  const text = textOf(element.children, name)
  return text === undefined || text === '' ? refuse(`no ${name}`) : text
}

function oneOf<T extends string>(text: string, names: readonly T[], what: string): T {
  return (names as readonly string[]).includes(text) ? (text as T) : refuse(`an unknown ${what}`)
}

function entriesOf(entries: ReadonlyArray<readonly [string, string]>): Readonly<Record<string, string>> {
  const names = new Set(entries.map(([key]) => key))
  if (names.size !== entries.length || names.has('__proto__')) refuse('an entry twice')
  return Object.fromEntries(entries)
}
