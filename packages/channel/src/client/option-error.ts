import { nearestName } from '@keyhaven/crypto'

/** Of a text that is shown; an option holds no more to recognise it by. */
const SHOWN_MAX_CHARACTERS = 40
/** What the documentation has in the place of a key and of thumbprints. */
const PLACEHOLDERS: readonly string[] = ['PUBLIC-KEY', 'ROOT-THUMBPRINT', 'SPARE-THUMBPRINT']

/** Names the option, what it must be, and what was given. */
export function optionError(name: string, expected: string, given: string): TypeError {
  return new TypeError(`${name} must be ${expected}; given: ${given}`)
}

/** @throws TypeError on a name that is not known, with the nearest that is. */
export function refuseUnknownNames(
  what: string,
  given: object,
  known: readonly string[],
  suggested: readonly string[] = known,
): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const nearest = nearestName(name, suggested)
    const hint = nearest === undefined ? `it has ${known.join(', ')}` : `did you mean ${nearest}?`
    throw new TypeError(`${what} has no option "${shortened(name)}": ${hint}`)
  }
}

/** What was given, for options that hold no secret. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? `"${shortened(value)}"` : kindOf(value)
}

/**
 * What was given, without its characters: someone may have put a private key, a token or a password there.
 */
export function hidden(value: unknown): string {
  if (typeof value !== 'string') return kindOf(value)
  if (PLACEHOLDERS.includes(value)) return `the placeholder "${value}" of the documentation`
  return `a text of ${value.length} characters`
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`
  if (Array.isArray(value)) return `a list of ${value.length}`
  return value === null ? 'null' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function shortened(text: string): string {
  return text.length > SHOWN_MAX_CHARACTERS ? `${text.slice(0, SHOWN_MAX_CHARACTERS)}…` : text
}

/** Whether it can be looked into for members. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
