/**
 * Compares two secrets. The time depends on the lengths only, which are public, as far as a JavaScript
 * engine allows.
 */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let at = 0; at < a.length; at++) difference |= a[at]! ^ b[at]!
  return difference === 0
}
