import { KeyhavenError } from '@keyhaven/crypto'

/** The name of a PKCS#11 return value: `CKR_DEVICE_ERROR`. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return /CKR_[A-Z0-9_]+/.exec(error.message)?.[0] ?? error.message.split('\n')[0]!.slice(0, 200)
}

export function hsmError(cause: unknown): KeyhavenError {
  const code = codeOf(cause)
  if (code === 'CKR_PIN_INCORRECT' || code === 'CKR_PIN_LOCKED') {
    return new KeyhavenError('CONFIG_INVALID', `the HSM refuses the PIN (${code})`, { cause })
  }
  return new KeyhavenError('STORE_UNAVAILABLE', `the HSM does not do it (${code})`, { cause })
}
