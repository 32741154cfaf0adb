import { SIMULATED_LANGUAGES, type SimulatedLanguage } from './languages.ts'
import { type SeededRandom, seededRandom } from './seeded-random.ts'

/** A text in one language, as MOSIP's `simpleType` has it. */
export interface LocalisedText {
  readonly language: string
  readonly value: string
}

/** The demographic fields of {@link SIMULATED_SCHEMA}. */
export interface SimulatedFields {
  readonly fullName: readonly LocalisedText[]
  readonly gender: readonly LocalisedText[]
  /** `yyyy/MM/dd`. */
  readonly dateOfBirth: string
  readonly addressLine1: readonly LocalisedText[]
  readonly city: readonly LocalisedText[]
  readonly region: readonly LocalisedText[]
  readonly postalCode: string
  readonly phone: string
  readonly email: string
}

/** Somebody who does not exist. */
export interface SimulatedPerson {
  /** The same seed gives the same person, face, fingers and eyes. */
  readonly seed: string
  /** ISO 639-2 of the first language. */
  readonly language: string
  readonly fields: SimulatedFields
}

const FIRST_YEAR = 1940
const YEARS = 65
const MONTHS = 12
/** Every month has them. */
const DAYS = 28
const POSTAL_CODES = 90_000
const HOUSE_NUMBERS = 300
/** 555-01xx is kept for fiction. */
const FICTIONAL_NUMBERS = 100
const ENGLISH = SIMULATED_LANGUAGES[0]!

/**
 * Makes up a person. Others than English ones have their names and places in English letters too.
 *
 * @param seed - decides everything; seeds that end in numbers go through the languages in turn.
 */
export function simulatedPerson(seed: string): SimulatedPerson {
  const random = seededRandom(`person ${seed}`)
  const number = /\d+$/.exec(seed)
  const turn = number === null ? random.below(SIMULATED_LANGUAGES.length) : Number(number[0].slice(-6))
  const native = SIMULATED_LANGUAGES[turn % SIMULATED_LANGUAGES.length]!
  const languages = native === ENGLISH ? [ENGLISH] : [native, ENGLISH]
  const texts = (choose: (from: SimulatedLanguage) => string): LocalisedText[] =>
    languages.map((from) => ({ language: from.code, value: choose(from) }))
  const [given, family, street, city] = [random.next(), random.next(), random.next(), random.next()]
  const house = 1 + random.below(HOUSE_NUMBERS)
  const female = random.below(2) === 0
  const postalCode = String(10_000 + random.below(POSTAL_CODES))
  return {
    seed,
    language: native.code,
    fields: {
      fullName: texts((from) => `${at(from.givenNames, given)} ${at(from.familyNames, family)}`),
      gender: texts((from) => (female ? from.female : from.male)),
      dateOfBirth: birthday(random),
      addressLine1: texts((from) => `${house} ${at(from.streets, street)}`),
      city: texts((from) => at(from.cities, city)),
      region: texts((from) => from.region),
      postalCode,
      phone: `55501${String(random.below(FICTIONAL_NUMBERS)).padStart(2, '0')}${postalCode.slice(-3)}`,
      email: `person.${random.next().toString(36)}@example.org`,
    },
  }
}

function at(names: readonly string[], number: number): string {
  return names[number % names.length]!
}

function birthday(random: SeededRandom): string {
  const two = (number: number): string => String(number).padStart(2, '0')
  return `${FIRST_YEAR + random.below(YEARS)}/${two(1 + random.below(MONTHS))}/${two(1 + random.below(DAYS))}`
}
