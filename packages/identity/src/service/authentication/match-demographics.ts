import type { AuthErrorBody, Demographics, LanguageValue } from '../../authentication/auth-messages.ts'
import { idaError } from '../../authentication/ida-errors.ts'
import { type MatchingRules, ruleFor, textMatches } from './text-match.ts'

/** MOSIP's names in a request → attributes of the ID schema; any other name is an attribute's own. */
const ATTRIBUTE_OF: Readonly<Record<string, string>> = {
  name: 'fullName',
  dob: 'dateOfBirth',
  phoneNumber: 'phone',
  emailId: 'email',
}
const AGE = 'age'
const FULL_ADDRESS = 'fullAddress'
const ADDRESS_PARTS = [
  'addressLine1',
  'addressLine2',
  'addressLine3',
  'city',
  'region',
  'province',
  'postalCode',
]
const BIRTH = /^(\d{4})[/-](\d{2})[/-](\d{2})$/

/** Which attributes of a person the claims need. */
export function attributesFor(demographics: Demographics): string[] {
  return [...new Set(Object.keys(demographics).flatMap(attributesOf))]
}

function attributesOf(name: string): string[] {
  if (name === AGE) return ['dateOfBirth']
  if (name === FULL_ADDRESS) return ADDRESS_PARTS
  return [Object.hasOwn(ATTRIBUTE_OF, name) ? ATTRIBUTE_OF[name]! : name]
}

/**
 * Compares every claim with what is on record; all must hold.
 *
 * @param recorded - values as the vault has them; an empty map for a person who is not known.
 * @param now - milliseconds since the epoch, for an age.
 * @returns what did not match, in MOSIP's words.
 */
export function matchDemographics(
  demographics: Demographics,
  recorded: ReadonlyMap<string, string>,
  rules: MatchingRules,
  now: number,
): AuthErrorBody[] {
  return Object.entries(demographics).flatMap(([name, claim]) => {
    const claims = typeof claim === 'string' ? [{ language: undefined, value: claim }] : claim
    return claims.flatMap(({ language, value }) => {
      if (matches(name, value, language, recorded, rules, now)) return []
      if (language === undefined) return [idaError('DEMO_MISMATCH', name)]
      return [idaError('DEMO_MISMATCH_LANGUAGE', name, language)]
    })
  })
}

function matches(
  name: string,
  value: string,
  language: string | undefined,
  recorded: ReadonlyMap<string, string>,
  rules: MatchingRules,
  now: number,
): boolean {
  const [attribute = name] = attributesOf(name)
  if (name === AGE) return ageOf(recorded.get(attribute), now) === Number(value)
  if (name === FULL_ADDRESS) {
    const whole = ADDRESS_PARTS.flatMap((part) => textsOf(recorded.get(part), language)[0] ?? []).join(' ')
    return textMatches(ruleFor(rules, FULL_ADDRESS, language), value, whole, language)
  }
  const rule = ruleFor(rules, attribute, language)
  const texts = textsOf(recorded.get(attribute), language)
  if (attribute === 'dateOfBirth') return texts.some((text) => birthOf(text) === birthOf(value))
  return texts.some((text) => textMatches(rule, value, text, language))
}

/** What is on record in a language; without one, whatever is. */
function textsOf(stored: string | undefined, language: string | undefined): string[] {
  if (stored === undefined) return []
  const values = valuesOf(stored)
  if (values === undefined) return [stored]
  return values.filter((one) => language === undefined || one.language === language).map(({ value }) => value)
}

/** Texts in languages are stored as JSON. */
function valuesOf(stored: string): readonly LanguageValue[] | undefined {
  if (!stored.startsWith('[')) return undefined
  try {
    const values = JSON.parse(stored) as readonly LanguageValue[]
    return values.every(({ language, value }) => typeof language === 'string' && typeof value === 'string')
      ? values
      : undefined
  } catch {
    return undefined
  }
}

/** The same text for one date, whatever it is separated by. @returns undefined for what is no date. */
function birthOf(text: string): string | undefined {
  const [, year, month, day] = BIRTH.exec(text) ?? []
  return year === undefined ? text : `${year}/${month}/${day}`
}

/** Whole years. */
function ageOf(birth: string | undefined, now: number): number {
  const [, year, month, day] = BIRTH.exec(birth ?? '') ?? []
  if (year === undefined) return Number.NaN
  const today = new Date(now)
  const passed = today.getUTCMonth() + 1 - Number(month) || today.getUTCDate() - Number(day)
  return today.getUTCFullYear() - Number(year) - (passed < 0 ? 1 : 0)
}
