/** Part of the API: add codes, never rename one. */
export type ErrorCode =
  | 'ACCESS_DENIED'
  | 'CERTIFICATE_INVALID'
  | 'CHAIN_BROKEN'
  | 'CHAIN_RESET'
  | 'CHANNEL_REQUIRED'
  | 'CLOCK_SKEW'
  | 'CONFIG_INVALID'
  | 'CONFLICT'
  | 'DEVICE_REVOKED'
  | 'DIRECTORY_STALE'
  | 'DUPLICATE'
  | 'FILE_DAMAGED'
  | 'GATEWAY_REFUSED'
  | 'GATEWAY_UNAVAILABLE'
  | 'HISTORY_UNAVAILABLE'
  | 'INPUT_INVALID'
  | 'KEY_EXPIRED'
  | 'KEY_NOT_YET_VALID'
  | 'KEY_PENDING'
  | 'KEY_REVOKED'
  | 'KEY_UNKNOWN'
  | 'LAST_HOLDER'
  | 'LOG_INCONSISTENT'
  | 'MANIFEST_EXPIRED'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_ROLLED_BACK'
  | 'MEMBERSHIP_FORKED'
  | 'NOT_FOUND'
  | 'OPEN_FAILED'
  | 'PACKET_INVALID'
  | 'POLICY_REFUSED'
  | 'PROOF_INVALID'
  | 'RATE_LIMITED'
  | 'RECORD_INVALID'
  | 'REPLAYED'
  | 'RESULT_UNKNOWN'
  | 'SENDER_REVOKED'
  | 'SESSION_UNKNOWN'
  | 'SHARE_SPENT'
  | 'SIGNATURE_INVALID'
  | 'STATE_ROLLED_BACK'
  | 'STORE_UNAVAILABLE'
  | 'SUITE_REFUSED'
  | 'UNAUTHENTICATED'
  | 'UNSUPPORTED'
  | 'UPLOAD_CONFLICT'
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
