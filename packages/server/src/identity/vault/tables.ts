/** One key of a pool, wrapped under K9 (issuer) or K18 (IDA). */
export interface PoolKeysTable {
  application_id: string
  /** 10,000 × generation + n. */
  key_index: number
  /** `…_mosip`: standard Base64 of AES-ECB; `…_keyhaven`: base64url of an AEAD. */
  wrapped: string
  /** base64url, 16 bytes: tells the key from any other. */
  key_check: string
  /** Who made it, or the event that brought it. */
  source: string
  created_at: number
}

/** How many keys of a generation there are. */
export interface PoolsTable {
  application_id: string
  /** `identity` or `ida`. */
  owner: string
  profile: string
  generation: number
  keys: number
  created_at: number
}

/** A second key for an index: refused, and kept for an operator. */
export interface PoolConflictsTable {
  application_id: string
  owner: string
  profile: string
  id: string
  kind: string
  key_index: number
  key_check: string
  other_check: string
  source: string
  seen_at: number
  closed_at: number | null
  closed_by: string | null
  reason: string | null
}

/** Salts of the hashes of ids, by modulo. */
export interface IdSaltsTable {
  application_id: string
  modulo: number
  salt: string
}

/** Certificates (K22) of IDAs. */
export interface VaultRecipientsTable {
  application_id: string
  partner_id: string
  /** Hex. */
  thumbprint: string
  /** DER. */
  certificate: Uint8Array
  added_at: number
  added_by: string
}

/** A person's credential at the IDA, without its attributes. */
export interface IdaRecordsTable {
  application_id: string
  /** Salted hash, or the oblivious PRF's tag. */
  id_hash: string
  /** Empty: only the person's end is known, and no credential has come. */
  credential_id: string
  partner_id: string
  policy_id: string
  token: string
  state: string
  issued_at: number
  state_at: number
  expires_at: number | null
  transactions_left: number | null
  /** Oldest generation of pool keys in use. */
  generation: number
  oprf_key: number
  revision: number
}

/** One attribute, as it came. */
export interface IdaAttributesTable {
  application_id: string
  id_hash: string
  name: string
  value: string
  /** 1: zero-knowledge encrypted. */
  sealed: number
}

export interface VaultTables {
  identity_pool_keys_mosip: PoolKeysTable
  identity_pool_keys_keyhaven: PoolKeysTable
  ida_pool_keys_mosip: PoolKeysTable
  ida_pool_keys_keyhaven: PoolKeysTable
  identity_pools: PoolsTable
  identity_pool_conflicts: PoolConflictsTable
  identity_id_salts: IdSaltsTable
  ida_id_salts: IdSaltsTable
  identity_vault_recipients: VaultRecipientsTable
  ida_records_mosip: IdaRecordsTable
  ida_records_keyhaven: IdaRecordsTable
  ida_attributes_mosip: IdaAttributesTable
  ida_attributes_keyhaven: IdaAttributesTable
}
