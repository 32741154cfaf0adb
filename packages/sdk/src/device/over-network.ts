import { KeyhavenError } from '@keyhaven/crypto'

/**
 * Runs a call to the server. Without a network `fetch` throws a TypeError of the platform, which says nothing
 * that a person could do: it becomes the cause.
 *
 * @throws KeyhavenError `GATEWAY_UNAVAILABLE` if no answer came; whatever else `run` throws.
 */
export async function overNetwork<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new KeyhavenError('GATEWAY_UNAVAILABLE', 'the key server does not answer', { cause: error })
  }
}
