export interface ApiTokensTable {
  /** UUID. */
  id: string
  name: string
  /** SHA-256 of the token, 32 bytes; the token itself is shown once and kept nowhere. */
  token_hash: Uint8Array
  /** Comma-separated. */
  roles: string
  created_at: number
  expires_at: number | null
  last_used_at: number | null
  /**
   * JSON: the actors behind the token, who made it first, then who made that one's token, and so on. They stay
   * when those tokens are deleted. Null: made before this was recorded.
   */
  makers: string | null
}

export interface SessionsTable {
  /** SHA-256 of the cookie's value, 32 bytes. */
  session_hash: Uint8Array
  actor: string
  /** Comma-separated. */
  roles: string
  /** How it was started: `token`, `code`, `oidc`. */
  method: string
  /** The API token that started it, so that the session ends with the token; empty if none did. */
  token_id: string
  created_at: number
  expires_at: number
}

/** A sign-in with an OIDC provider that has begun and not yet come back. */
export interface OidcAttemptsTable {
  /** SHA-256 of the browser's cookie, 32 bytes. */
  attempt_hash: Uint8Array
  state: string
  nonce: string
  code_verifier: string
  expires_at: number
}

export interface AuthTables {
  api_tokens: ApiTokensTable
  sessions: SessionsTable
  oidc_attempts: OidcAttemptsTable
}
