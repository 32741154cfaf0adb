/**
 * J. Verhoeff, "Error detecting decimal codes" (1969): the check digit finds every single wrong digit and
 * every swap of two neighbours. The permutation of the dihedral group D5 that everybody uses, MOSIP too.
 */
const PERMUTATION = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4] as const
const ROTATIONS = 5

/** Product in D5: 0 to 4 are rotations, 5 to 9 reflections. */
function multiply(a: number, b: number): number {
  const turn = a < ROTATIONS ? a + b : a - b
  const rotation = (((turn % ROTATIONS) + ROTATIONS) % ROTATIONS) as number
  return a < ROTATIONS === b < ROTATIONS ? rotation : rotation + ROTATIONS
}

function invert(a: number): number {
  return a < ROTATIONS ? (ROTATIONS - a) % ROTATIONS : a
}

/** @param position - from the right, the check digit has 0. */
function permute(digit: number, position: number): number {
  let permuted = digit
  for (let times = position % 8; times > 0; times--) permuted = PERMUTATION[permuted]!
  return permuted
}

/** @param first - position of the last digit. */
function sum(digits: string, first: number): number {
  let result = 0
  for (let at = digits.length - 1, position = first; at >= 0; at--, position++) {
    result = multiply(result, permute(Number(digits[at]), position))
  }
  return result
}

/** @param digits - decimal digits. @returns the digit to put behind them. */
export function verhoeffDigit(digits: string): string {
  return String(invert(sum(digits, 1)))
}

/** Whether the last digit is the right one. */
export function hasVerhoeffDigit(digits: string): boolean {
  return /^\d{2,}$/.test(digits) && sum(digits, 0) === 0
}
