import { KeyhavenError } from './error.ts'

/** The one error of every failed decryption. It never carries a cause: the reason would be an oracle. */
export function openFailed(): KeyhavenError {
  return new KeyhavenError('OPEN_FAILED', 'the ciphertext could not be opened')
}
