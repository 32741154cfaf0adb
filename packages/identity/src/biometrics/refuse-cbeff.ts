import { KeyhavenError } from '@keyhaven/crypto'

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function refuse(what: string): never {
  throw new KeyhavenError('WIRE_MALFORMED', `CBEFF: ${what}`)
}

/** @throws KeyhavenError `WIRE_TOO_LARGE` */
export function tooLarge(): never {
  throw new KeyhavenError('WIRE_TOO_LARGE', 'CBEFF file')
}
