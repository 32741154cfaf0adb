import { timingSafeEqual } from 'node:crypto'

/** Compares two secrets in a time that depends on their lengths only, which are public. */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
