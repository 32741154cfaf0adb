/** One row a managed key, revoked ones too. */
export interface ManagedKeysTable {
  id: string
  application_id: string
  purpose: string
  /** 0 to 255 for `e2e`, null for signing keys. */
  key_id: number | null
  /** `x-wing/aes-256-gcm`, `EdDSA`. */
  suite: string
  state: string
  public_key: Uint8Array
  /** Null once revoked. */
  wrapped_private_key: Uint8Array | null
  /** Null once revoked. */
  master_key_id: string | null
  created_at: number
  /** Orders keys made in the same millisecond. */
  ordinal: number
  activate_at: number | null
  activated_at: number | null
  retiring_at: number | null
  end_at: number | null
  revoked_at: number | null
  /** JSON list of steps. */
  history: string
}

export interface KeyTables {
  managed_keys: ManagedKeysTable
}
