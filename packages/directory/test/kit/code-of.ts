import { KeyhavenError } from '@keyhaven/crypto'

/** The code that a promise is refused with; `accepted` if it is not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'accepted'
  } catch (error) {
    if (error instanceof KeyhavenError) return error.code
    throw error
  }
}
