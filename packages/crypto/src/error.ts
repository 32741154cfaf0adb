/** Part of the API: add codes, never rename one. */
export type ErrorCode =
  | 'ACCESS_DENIED'
  | 'CHANNEL_REQUIRED'
  | 'CLOCK_SKEW'
  | 'CONFIG_INVALID'
  | 'CONFLICT'
  | 'GATEWAY_REFUSED'
  | 'GATEWAY_UNAVAILABLE'
  | 'INPUT_INVALID'
  | 'KEY_EXPIRED'
  | 'KEY_REVOKED'
  | 'KEY_UNKNOWN'
  | 'MANIFEST_EXPIRED'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_ROLLED_BACK'
  | 'NOT_FOUND'
  | 'OPEN_FAILED'
  | 'RATE_LIMITED'
  | 'REPLAYED'
  | 'RESULT_UNKNOWN'
  | 'SIGNATURE_INVALID'
  | 'STATE_ROLLED_BACK'
  | 'STORE_UNAVAILABLE'
  | 'UNAUTHENTICATED'
  | 'UNSUPPORTED'
  | 'UPSTREAM_FAILED'
  | 'UPSTREAM_REFUSED'
  | 'WIRE_MALFORMED'
  | 'WIRE_TOO_LARGE'

/** Branch on `code`. `message` is for logs and people: no user data, no key, no ciphertext. */
export class KeyhavenError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'KeyhavenError'
    this.code = code
  }
}
