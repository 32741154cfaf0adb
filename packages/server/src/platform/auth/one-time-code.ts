import { randomInt } from 'node:crypto'
import { hashSecret, sameHash } from './secret.ts'

/** Crockford's base 32: no letter that is taken for a digit. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const GROUPS = 3
/** 3 groups of 4 letters of 5 bits: 60 bits, behind a rate limit and for 15 minutes. */
const GROUP_LETTERS = 4
export const ONE_TIME_CODE_LIFETIME_SECONDS = 900

export interface OneTimeCode {
  /** For the console of whoever started the server. */
  readonly text: string
  /** True once, for the right code, while it lasts. Letter case and hyphens do not matter. */
  redeem(code: string): boolean
}

/** The first sign-in: whoever can read the server's console may use the dashboard. */
export function createOneTimeCode(clock: () => number): OneTimeCode {
  const letters = Array.from({ length: GROUPS * GROUP_LETTERS }, () => ALPHABET[randomInt(ALPHABET.length)]!)
  const text = Array.from({ length: GROUPS }, (_, i) =>
    letters.slice(i * GROUP_LETTERS, (i + 1) * GROUP_LETTERS).join(''),
  ).join('-')
  const hash = hashSecret(letters.join(''))
  const end = clock() + ONE_TIME_CODE_LIFETIME_SECONDS * 1_000
  let used = false
  return {
    text,
    redeem(code) {
      const plain = code.toUpperCase().replace(/[-\s]/g, '')
      const right = sameHash(hashSecret(plain), hash) && !used && clock() < end
      if (right) used = true
      return right
    },
  }
}
