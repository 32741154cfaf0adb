import { type Awaitable, type ErrorCode, KeyhavenError, toHex } from '../../src/public-api.ts'

/** One case of a suite that runs in Vitest and, without it, in a browser. */
export interface VectorCase {
  readonly name: string
  /** Throws if the backend answers differently from the vector. */
  run(): Awaitable<void>
}

export function expectHex(actual: Uint8Array, expected: string, what: string): void {
  const hex = toHex(actual)
  if (hex !== expected.toLowerCase()) throw new Error(`${what}: got ${hex}, expected ${expected}`)
}

export function expectTrue(condition: boolean, what: string): void {
  if (!condition) throw new Error(what)
}

/** Runs an operation that must be refused with a code, and returns the refusal. */
export async function expectRefusal(
  code: ErrorCode,
  what: string,
  operation: () => Awaitable<unknown>,
): Promise<KeyhavenError> {
  try {
    await operation()
  } catch (error) {
    if (error instanceof KeyhavenError && error.code === code) return error
    throw new Error(`${what}: expected ${code}, got ${error}`, { cause: error })
  }
  throw new Error(`${what}: expected ${code}, but it was accepted`)
}
