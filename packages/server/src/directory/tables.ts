/** A user as of the newest entry. */
export interface DirectoryUsersTable {
  application_id: string
  username: string
  /** Counts resets, from 0. */
  chain: number
  /** Of the newest entry; entries are numbered over all chains. */
  sequence: number
  /** SHA-256 of the newest entry's JWS, 32 bytes. */
  head: Uint8Array
  /** Who vouched for the user at sign-up: `token`, or `oidc:` and the issuer. */
  sign_up: string
  /** Of the label in the log, 80 bytes. Null after a recovery from the log's files, until the user's next entry. */
  label_proof: Uint8Array | null
  created_at: number
  changed_at: number
}

/** One row an entry, for ever. */
export interface DirectoryEntriesTable {
  application_id: string
  username: string
  sequence: number
  /** The JWS, exactly as it was signed. */
  entry: Uint8Array
  /** SHA-256 of it, 32 bytes. */
  entry_hash: Uint8Array
  kind: string
  /** The authority's answer, compact JWS. */
  acceptance: string
  /** Position of its leaf. */
  log_index: number
  /** 32 random bytes, hashed into the leaf together with the entry. */
  opening: Uint8Array
  accepted_at: number
}

/** What the entries say of each device, for lists; the entries decide. */
export interface DirectoryDevicesTable {
  application_id: string
  username: string
  device: string
  chain: number
  name: string
  profile: string
  /** Milliseconds: its first record. */
  since: number
  not_before: number
  expires_at: number
  /** From when the device is revoked, or its chain reset; null if neither. */
  ended_at: number | null
  /** When the newest entry about it was accepted. */
  changed_at: number
}

/** The newest encryption key statement of each device. */
export interface DirectoryEncryptionKeysTable {
  application_id: string
  username: string
  device: string
  /** Compact JWS. */
  statement: string
  not_before: number
  expires_at: number
}

/** Sign-up tokens that operators gave out. */
export interface SignUpTokensTable {
  application_id: string
  id: string
  username: string
  /** SHA-256; the token itself is nowhere. */
  token_hash: Uint8Array
  /** The only profile that may be registered with it; empty: any that is allowed. */
  profile: string
  created_at: number
  created_by: string
  expires_at: number
  used_at: number | null
}

/** Each application's log: the row that an append locks. */
export interface LogHeadsTable {
  application_id: string
  origin: string
  size: number
  /** Roots of the perfect subtrees, the largest first, 32 bytes each (RFC 6962 §2.1). */
  peaks: Uint8Array
  root: Uint8Array
  /** Signed note, without witnesses' cosignatures; empty until it is signed anew after a recovery. */
  checkpoint: string
  checkpoint_at: number
}

export interface LogEntriesTable {
  application_id: string
  position: number
  /** Leaf data, before hashing. */
  leaf: Uint8Array
}

/** Hashes of every perfect subtree; level 0 holds the leaves' hashes. */
export interface LogNodesTable {
  application_id: string
  level: number
  position: number
  hash: Uint8Array
}

/** The newest cosignature of each witness. */
export interface LogCosignaturesTable {
  application_id: string
  /** The witness's key name. */
  witness: string
  size: number
  root: Uint8Array
  /** The signature line that the witness answered. */
  cosignature: string
  cosigned_at: number
}

export interface DirectoryTables {
  directory_users: DirectoryUsersTable
  directory_entries: DirectoryEntriesTable
  directory_devices: DirectoryDevicesTable
  directory_encryption_keys: DirectoryEncryptionKeysTable
  sign_up_tokens: SignUpTokensTable
  log_heads: LogHeadsTable
  log_entries: LogEntriesTable
  log_nodes: LogNodesTable
  log_cosignatures: LogCosignaturesTable
}
