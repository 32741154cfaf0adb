/** A person's number. Profiles have tables of their own, of the same columns. */
export interface IdentityRecordsTable {
  application_id: string
  /** 16 random bytes, base64url. */
  record: string
  /** What the UIN is looked up by. */
  tag: string
  /** Sealed. */
  uin: string
  /** `RESERVED`, `ACTIVATED`, `BLOCKED`, `DEACTIVATED`. */
  status: string
  /** Of the newest data; 0: none yet. */
  version: number
  /** Registration that the number was given to. */
  rid: string
  created_at: number
  changed_at: number
}

/** The data of a person as of one change; never changed, never removed. */
export interface IdentityVersionsTable {
  application_id: string
  record: string
  version: number
  rid: string
  /** Identity JSON, sealed. */
  data: Uint8Array
  /** Of its plaintext. */
  digest: string
  /** JSON: `[{category, field, format, ref, digest}]`. */
  files: string
  created_at: number
}

/** A number that stands for a UIN. */
export interface IdentityVidsTable {
  application_id: string
  tag: string
  record: string
  /** `Perpetual`, `Temporary`. */
  type: string
  /** Sealed. */
  vid: string
  /** `ACTIVE`, `REVOKED`. */
  status: string
  created_at: number
  expires_at: number | null
  transactions_left: number | null
}

/** Profile `mosip`: 1,000 rows, made at first use. */
export interface IdentityUinSaltsTable {
  application_id: string
  id: number
  /** Base64 of 16 random bytes. */
  hash_salt: string
  encrypt_salt: string
}

/** Profile `keyhaven`, and the processor's: 32 random bytes each, wrapped. */
export interface IdentityRecordKeysTable {
  application_id: string
  /** `tag`, `data`. */
  id: string
  wrapped_key: Uint8Array
  master_key_id: string
}

export interface RepositoryTables {
  identity_records_mosip: IdentityRecordsTable
  identity_versions_mosip: IdentityVersionsTable
  identity_vids_mosip: IdentityVidsTable
  identity_records_keyhaven: IdentityRecordsTable
  identity_versions_keyhaven: IdentityVersionsTable
  identity_vids_keyhaven: IdentityVidsTable
  identity_uin_salts: IdentityUinSaltsTable
  identity_record_keys: IdentityRecordKeysTable
}
