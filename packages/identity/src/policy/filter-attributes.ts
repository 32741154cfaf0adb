import { KeyhavenError } from '@keyhaven/crypto'
import type { BiometricMatcher } from '../biometrics/biometric-matcher.ts'
import type { Bir, CbeffRecord } from '../biometrics/bir.ts'
import { CBEFF_GROUP, EXTRACTION } from './parse-policy.ts'
import type {
  AttributeFilter,
  AttributeSource,
  DataSharePolicy,
  ShareableAttribute,
} from './policy-document.ts'

/** What a policy lets out of one person's data. */
export interface FilteredData {
  /** Demographic values by the policy's names. */
  readonly attributes: Readonly<Record<string, unknown>>
  /** Biometrics by the policy's names. */
  readonly biometrics: Readonly<Record<string, CbeffRecord>>
  /** Names, of both, whose values are to be encrypted by themselves besides. */
  readonly encrypted: readonly string[]
}

/** As an ID repository has it: a text, a number, or texts in several languages. */
type Identity = Readonly<Record<string, unknown>>

/** Dates of an identity are `YYYY/MM/DD`. */
const DATE = /^(\d{4})[/-](\d{2})[/-](\d{2})$/

/**
 * Leaves of a person's data what a policy names, in the languages, parts and precision that it names. What
 * does not fit a filter or a format is left out.
 *
 * @param extract - makes templates, where the policy lets out no images.
 * @throws KeyhavenError `POLICY_REFUSED` where images would be let out for want of it.
 */
export async function filterAttributes(
  policy: DataSharePolicy,
  identity: Identity,
  biometrics: Readonly<Record<string, CbeffRecord>>,
  extract?: BiometricMatcher['extract'],
): Promise<FilteredData> {
  const attributes: Record<string, unknown> = {}
  const records: Record<string, CbeffRecord> = {}
  const encrypted: string[] = []
  for (const attribute of policy.shareableAttributes) {
    const { attributeName: name } = attribute
    if (attribute.group === CBEFF_GROUP) {
      const birs = await filterBirs(attribute, biometrics, extract)
      if (birs.length === 0) continue
      records[name] = { birs }
    } else {
      const value = filterValue(attribute, identity)
      if (value === undefined) continue
      attributes[name] = value
    }
    if (attribute.encrypted) encrypted.push(name)
  }
  return { attributes, biometrics: records, encrypted }
}

async function filterBirs(
  { attributeName, source, format }: ShareableAttribute,
  biometrics: Readonly<Record<string, CbeffRecord>>,
  extract: BiometricMatcher['extract'] | undefined,
): Promise<readonly Bir[]> {
  const chosen = source.flatMap((from) =>
    (own(biometrics, nameOf(from))?.birs ?? []).filter((bir) => fits(bir, from.filter)),
  )
  const birs = [...new Set(chosen)]
  const images = birs.filter((bir) => bir.level !== 'Processed')
  if (format !== EXTRACTION || images.length === 0) return birs
  if (extract === undefined) {
    throw new KeyhavenError(
      'POLICY_REFUSED',
      `${attributeName}: the policy lets out templates, and nothing makes them here`,
    )
  }
  return [...birs.filter((bir) => bir.level === 'Processed'), ...(await extract(images, 'template'))]
}

function fits(bir: Bir, filters: readonly AttributeFilter[] | undefined): boolean {
  if (filters === undefined) return true
  const part = bir.subtypes.join(' ')
  return filters.some(
    ({ type, subType }) => type === bir.type && (subType === undefined || subType.includes(part)),
  )
}

function filterValue({ source, format }: ShareableAttribute, identity: Identity): unknown {
  for (const from of source) {
    const value = inLanguages(own(identity, nameOf(from)), from.filter)
    if (value === undefined) continue
    return format === undefined ? value : formatDate(value, format)
  }
  return undefined
}

/** Texts are kept in the languages that the filters name; without filters, whole. */
function inLanguages(value: unknown, filters: readonly AttributeFilter[] | undefined): unknown {
  if (value === undefined || value === null || filters === undefined) return value ?? undefined
  if (!Array.isArray(value)) return undefined
  const languages = filters.map(({ language }) => language)
  const kept = value.filter((text: { language?: unknown } | null) =>
    languages.includes(text?.language as string),
  )
  return kept.length === 0 ? undefined : kept
}

/**
 * A part of a date, such as the year. @returns undefined for what is no date: more would be let out than was
 * meant.
 */
function formatDate(value: unknown, format: string): string | undefined {
  const [, year, month, day] = (typeof value === 'string' && DATE.exec(value)) || []
  if (year === undefined) return undefined
  return format.replace(/y{4}/gi, year).replace(/m{2}/gi, month!).replace(/d{2}/gi, day!)
}

/** The attribute's own name, of `SOURCE/PROCESS/NAME`. */
function nameOf({ attribute }: AttributeSource): string {
  return attribute.slice(attribute.lastIndexOf('/') + 1)
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
