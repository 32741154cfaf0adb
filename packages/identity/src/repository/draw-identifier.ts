import type { CryptoBackend } from '@keyhaven/crypto'
import { type IdentifierRules, keepsRules, UIN_RULES, VID_RULES } from './identifier-rules.ts'
import { verhoeffDigit } from './verhoeff.ts'

type Random = Pick<CryptoBackend, 'randomBytes'>

/** Bytes from here on would make some digits likelier than others. */
const FAIR_BYTES = 250
const DIGITS = 10

/** A number that may be given to somebody; whether it is free is for the store to say. */
export function drawUin(backend: Random): string {
  return draw(backend, UIN_RULES)
}

export function drawVid(backend: Random): string {
  return draw(backend, VID_RULES)
}

/** Draws until one keeps the rules, so that every one that does is as likely as any other. */
function draw(backend: Random, rules: IdentifierRules): string {
  for (;;) {
    let digits = ''
    while (digits.length < rules.length - 1) {
      for (const byte of backend.randomBytes(2 * rules.length)) {
        if (byte < FAIR_BYTES && digits.length < rules.length - 1) digits += String(byte % DIGITS)
      }
    }
    const id = digits + verhoeffDigit(digits)
    if (keepsRules(id, rules)) return id
  }
}
