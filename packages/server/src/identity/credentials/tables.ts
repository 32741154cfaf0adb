/** One credential that was ordered for a partner. */
export interface IdentityCredentialsTable {
  application_id: string
  request_id: string
  partner_id: string
  policy_id: string
  credential_type: string
  /** Whom it is about, sealed under K7.5. */
  sealed_order: Uint8Array
  /** `NEW`, `ISSUED`, `FAILED`. */
  state: string
  failure: string | null
  credential_id: string | null
  event_id: string | null
  share_url: string | null
  /** Oldest generation of pool keys in it; null without one. */
  generation: number | null
  oprf_key: number | null
  requested_at: number
  issued_at: number | null
}

export interface CredentialTables {
  identity_credentials: IdentityCredentialsTable
}
