import { backend } from '@keyhaven/crypto'
import { vi } from 'vitest'
import { TEST_KEYS, testKey } from './test-keys.ts'

/**
 * From here on RSA keys are drawn from the fixed test keys, one after the other and round again, instead of
 * being made: for tests that are about something else than their making.
 *
 * @returns stops it.
 */
export function useTestKeys(): () => void {
  let next = 0
  const spy = vi.spyOn(backend.rsa, 'generateKeyPair').mockImplementation(() => testKey(next++ % TEST_KEYS))
  return () => spy.mockRestore()
}
