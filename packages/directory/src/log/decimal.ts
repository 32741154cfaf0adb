import { KeyhavenError } from '@keyhaven/crypto'
import { isLogSize } from './node-id.ts'

const DECIMAL = /^(?:0|[1-9]\d{0,15})$/

/**
 * ASCII decimal without leading zeros, at most 2^53 - 1.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`
 */
export function parseDecimal(text: string): number {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN
  if (!isLogSize(value)) throw new KeyhavenError('WIRE_MALFORMED', 'not a decimal number up to 2^53 - 1')
  return value
}
