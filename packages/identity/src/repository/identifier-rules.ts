import { hasVerhoeffDigit } from './verhoeff.ts'

/**
 * Which numbers may be given to people. Source: MOSIP, kernel `UinFilterUtil` and `VidFilterUtils`, with the
 * defaults of mosip-config (`mosip.kernel.uin.*`, `mosip.kernel.vid.*`), each named beside its constant.
 */
export interface IdentifierRules {
  /** Digits, with the check digit. */
  readonly length: number
  /** First digits and groups that it never begins with. */
  readonly notStartWith: readonly string[]
  /** Groups that it never contains. */
  readonly restricted: readonly string[]
  /** So many digits in a row never count up or down, also over 9 to 0. */
  readonly sequenceLimit: number
  /** A block of so many digits never comes again. */
  readonly repeatingBlockLimit: number
  /** The same digit never comes again within so many places. */
  readonly repeatingLimit: number
  /** So many even digits, none of them 0, never stand together. */
  readonly adjacentEvenLimit?: number
  /** The first so many digits are not the last ones, forwards or backwards. */
  readonly halvesLimit?: number
  /** Periods of the reciprocals of primes, MOSIP's list of cyclic numbers. */
  readonly cyclic?: readonly string[]
}

/** `mosip.kernel.uin.length` */
export const UIN_LENGTH = 10
/** `mosip.kernel.vid.length` */
export const VID_LENGTH = 16
/** `mosip.kernel.uin.not-start-with`, `mosip.kernel.vid.not-start-with` */
export const NOT_START_WITH = ['0', '1'] as const
/** `mosip.kernel.uin.restricted-numbers`, `mosip.kernel.vid.restricted-numbers` */
export const RESTRICTED_NUMBERS = ['786', '666'] as const
/** `…length.sequence-limit` */
export const SEQUENCE_LIMIT = 3
/** `…length.repeating-block-limit` */
export const REPEATING_BLOCK_LIMIT = 2
/** `…length.repeating-limit` */
export const REPEATING_LIMIT = 2
/** `mosip.kernel.uin.length.conjugative-even-digits-limit` */
export const ADJACENT_EVEN_LIMIT = 3
/** `mosip.kernel.uin.length.digits-limit`, `mosip.kernel.uin.length.reverse-digits-limit` */
export const HALVES_LIMIT = 5
/** Those of `CYCLIC_NUM` in `UinFilterUtil` that fit into a UIN. */
export const CYCLIC_NUMBERS = ['142857'] as const

/**
 * 58,106,898 numbers of ten digits keep all of these, counted one by one: so many must be tried by whoever guesses.
 */
export const UIN_RULES: IdentifierRules = {
  length: UIN_LENGTH,
  notStartWith: NOT_START_WITH,
  restricted: RESTRICTED_NUMBERS,
  sequenceLimit: SEQUENCE_LIMIT,
  repeatingBlockLimit: REPEATING_BLOCK_LIMIT,
  repeatingLimit: REPEATING_LIMIT,
  adjacentEvenLimit: ADJACENT_EVEN_LIMIT,
  halvesLimit: HALVES_LIMIT,
  cyclic: CYCLIC_NUMBERS,
}

export const VID_RULES: IdentifierRules = {
  length: VID_LENGTH,
  notStartWith: NOT_START_WITH,
  restricted: RESTRICTED_NUMBERS,
  sequenceLimit: SEQUENCE_LIMIT,
  repeatingBlockLimit: REPEATING_BLOCK_LIMIT,
  repeatingLimit: REPEATING_LIMIT,
}

const ASCENDING = '01234567890123456789'
const DESCENDING = '98765432109876543210'

/** Whether it keeps every rule; also of the check digit. */
export function keepsRules(id: string, rules: IdentifierRules): boolean {
  return (
    id.length === rules.length &&
    hasVerhoeffDigit(id) &&
    !rules.notStartWith.some((start) => id.startsWith(start)) &&
    ![...rules.restricted, ...(rules.cyclic ?? [])].some((group) => id.includes(group)) &&
    !hasSequence(id, rules.sequenceLimit) &&
    !repeatsDigit(id, rules.repeatingLimit) &&
    !repeatsBlock(id, rules.repeatingBlockLimit) &&
    !hasEvenRun(id, rules.adjacentEvenLimit) &&
    !hasEqualHalves(id, rules.halvesLimit)
  )
}

export function isUin(text: string): boolean {
  return keepsRules(text, UIN_RULES)
}

export function isVid(text: string): boolean {
  return keepsRules(text, VID_RULES)
}

function hasSequence(id: string, limit: number): boolean {
  return groups(id, limit).some((group) => ASCENDING.includes(group) || DESCENDING.includes(group))
}

function repeatsDigit(id: string, limit: number): boolean {
  return [...id].some((digit, at) => id.slice(at + 1, at + 1 + limit).includes(digit))
}

function repeatsBlock(id: string, limit: number): boolean {
  return groups(id, limit).some((group, at) => id.includes(group, at + limit))
}

function hasEvenRun(id: string, limit: number | undefined): boolean {
  return limit !== undefined && groups(id, limit).some((group) => /^[2468]+$/.test(group))
}

function hasEqualHalves(id: string, limit: number | undefined): boolean {
  if (limit === undefined) return false
  const [first, last] = [id.slice(0, limit), id.slice(-limit)]
  return first === last || first === [...last].reverse().join('')
}

function groups(id: string, length: number): string[] {
  return Array.from({ length: id.length - length + 1 }, (_, at) => id.slice(at, at + length))
}
