import { KeyhavenError, nearestName } from '@keyhaven/crypto'

/** A value of a JSON document with its place in it, so that what is wrong can be found. */
export interface JsonAt {
  readonly value: unknown
  /** JSON pointer (RFC 6901); empty for the whole document. */
  readonly path: string
}

/** @throws KeyhavenError `INPUT_INVALID`: the place, what was expected there, and never the value. */
export function wrong({ path }: JsonAt, expected: string): never {
  throw new KeyhavenError('INPUT_INVALID', `${path === '' ? 'the document' : path}: expected ${expected}`)
}

/**
 * The members of an object, of which no others may be there: a misspelt filter would let out more than was
 * meant.
 *
 * @returns for each name its place; the value is undefined where it is not there and need not be.
 */
export function members<Required extends string, Optional extends string = never>(
  at: JsonAt,
  required: readonly Required[],
  optional: readonly Optional[] = [],
): Record<Required | Optional, JsonAt> {
  if (typeof at.value !== 'object' || at.value === null || Array.isArray(at.value)) wrong(at, 'an object')
  const given = at.value as Record<string, unknown>
  const known: readonly string[] = [...required, ...optional]
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const nearest = nearestName(name, known)
    const place = { value: undefined, path: `${at.path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` }
    wrong(
      place,
      nearest === undefined ? `no such member, but ${known.join(', ')}` : `${nearest}, not this name`,
    )
  }
  const place = (name: string): JsonAt => ({
    value: Object.hasOwn(given, name) ? given[name] : undefined,
    path: `${at.path}/${name}`,
  })
  for (const name of required) {
    if (place(name).value === undefined) wrong(place(name), 'a value, but there is none')
  }
  return Object.fromEntries(known.map((name) => [name, place(name)])) as Record<Required | Optional, JsonAt>
}

export function items(at: JsonAt, most: number): JsonAt[] {
  if (!Array.isArray(at.value)) wrong(at, 'a list')
  if (at.value.length > most) wrong(at, `at most ${most} items`)
  return at.value.map((value, index) => ({ value, path: `${at.path}/${index}` }))
}

const MAX_TEXT_CHARS = 256

/** @param least - 0 where it may be empty. */
export function text(at: JsonAt, least = 1): string {
  if (typeof at.value !== 'string' || at.value.length < least || at.value.length > MAX_TEXT_CHARS) {
    wrong(at, `a text of ${least} to ${MAX_TEXT_CHARS} characters`)
  }
  return at.value
}

export function oneOf<const T extends readonly string[]>(at: JsonAt, choices: T): T[number] {
  const lower = typeof at.value === 'string' ? at.value.toLowerCase() : undefined
  const found = choices.find((choice) => choice.toLowerCase() === lower)
  return found ?? wrong(at, choices.map((choice) => JSON.stringify(choice)).join(' or '))
}

export function flag(at: JsonAt): boolean {
  return typeof at.value === 'boolean' ? at.value : wrong(at, 'true or false')
}

/** MOSIP writes numbers as texts; both are taken. */
export function whole(at: JsonAt, least: number, most: number): number {
  const number =
    typeof at.value === 'string' && /^-?\d{1,9}$/.test(at.value) ? Number(at.value) : (at.value as number)
  if (!Number.isInteger(number) || number < least || number > most) {
    wrong(at, `a whole number from ${least} to ${most}, as a text such as "${Math.max(1, least)}"`)
  }
  return number
}

/** The document of a text. */
export function parseDocument(json: string): JsonAt {
  try {
    return { value: JSON.parse(json), path: '' }
  } catch (error) {
    throw new KeyhavenError('INPUT_INVALID', `the document: expected JSON (${(error as Error).message})`)
  }
}
