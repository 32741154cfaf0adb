import { KeyhavenError } from '@keyhaven/crypto'

/** The code of the refusal, or `accepted`. Any other error is thrown on: a refusal has a code. */
export function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof KeyhavenError) return error.code
    throw error
  }
  return 'accepted'
}
