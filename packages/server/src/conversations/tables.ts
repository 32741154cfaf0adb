/** A conversation as of its newest entry: the row that a change locks. */
export interface ConversationsTable {
  application_id: string
  id: string
  /** Of the newest membership entry. */
  sequence: number
  /** SHA-256 of its JWS, 32 bytes. */
  head: Uint8Array
  /** `managed` or `sealed`. */
  mode: string
  /** JSON, as the entries have it. */
  history: string
  rotation: string
  /** A superseded key is erased so many days later; null: never. */
  retention_days: number | null
  created_at: number
  created_by: string
  changed_at: number
  /** Id of the newest complete key; null before there is one, and after a change of the mode. */
  current_key: string | null
}

/** Where a batch's tree and the log hold an item's commitment. */
export interface CommitmentColumns {
  /** 32 random bytes, base64url, hashed before the item. */
  opening: string
  batch_index: number
  batch_size: number
  /** Hashes, base64url, a full stop between them, leaf side first. */
  batch_proof: string
  log_index: number
}

/** The membership chain: one row an entry, for ever. */
export interface ConversationEntriesTable extends CommitmentColumns {
  application_id: string
  conversation: string
  sequence: number
  /** Compact JWS, exactly as it was signed. */
  entry: string
  entry_hash: Uint8Array
  kind: string
  /** Whose device signed it. */
  username: string
  device: string
  accepted_at: number
}

/** What the entries amount to, for queries: a row for each time that a user was in. */
export interface ConversationMembersTable {
  application_id: string
  conversation: string
  username: string
  /** Of the entry that added him, and its time. */
  from_sequence: number
  from_at: number
  /** Of the entry that removed him; null while he is in. */
  to_sequence: number | null
  to_at: number | null
  role: string
  /** Of the directory: a user on a later chain was reset, and is no member until accepted. */
  chain: number
  /** JSON: the history rule that counts for him. */
  history: string
}

/** Every key ever made; retention empties it, and keeps the row. */
export interface ConversationKeysTable {
  application_id: string
  id: string
  conversation: string
  /** Counts a conversation's keys from 0. */
  ordinal: number
  mode: string
  algorithm: string
  /** Membership entry for which it was made. */
  membership: number
  membership_head: Uint8Array
  created_at: number
  /** Who made it; null: the server. */
  username: string | null
  device: string | null
  /** Managed: under the master key. Null where the object store has it, and once it is erased. */
  wrapped_key: Uint8Array | null
  master_key_id: string | null
  /** Managed: `database` or `objects`. */
  stored_in: string | null
  /** Sealed: the maker's announcement, compact JWS, and its commitment to the key. */
  announcement: string | null
  commitment: Uint8Array | null
  /** Sealed: how many the announcement names. */
  recipients: number
  /** 0 until all recipients' keys are there. */
  complete: number
  superseded_at: number | null
  erased_at: number | null
}

/** A sealed key, wrapped to one device that the announcement names. */
export interface ConversationRecipientsTable {
  application_id: string
  key_id: string
  device: string
  username: string
  /** Of the encryption key that it is wrapped to. */
  thumbprint: string
  wrapped: string
  /** Place in the announcement's tree, and inclusion proof; null until all recipients are there. */
  position: number | null
  proof: string | null
}

/** A sealed key, handed on by a member's device to one that came later. */
export interface ConversationSharesTable {
  application_id: string
  key_id: string
  device: string
  username: string
  /** Compact JWS. */
  share: string
  wrapped: string
  shared_at: number
}

/** Devices that wait for a share. */
export interface ConversationRequestsTable {
  application_id: string
  conversation: string
  key_id: string
  device: string
  username: string
  requested_at: number
}

/** Who was given what. */
export interface ConversationReceiptsTable extends CommitmentColumns {
  application_id: string
  conversation: string
  /** 0, 1, 2 … in each conversation, without gaps. */
  sequence: number
  /** JSON: its exact bytes are what is committed to. */
  item: string
}

/** Exports of managed keys, for which two operators are needed. */
export interface ConversationExportsTable {
  application_id: string
  id: string
  conversation: string
  reason: string
  /** Keys that were in use between these times; null: without end. */
  from_at: number | null
  to_at: number | null
  requested_by: string
  requested_at: number
  approved_by: string | null
  approved_at: number | null
  downloaded_at: number | null
}

export interface ConversationTables {
  conversations: ConversationsTable
  conversation_entries: ConversationEntriesTable
  conversation_members: ConversationMembersTable
  conversation_keys: ConversationKeysTable
  conversation_recipients: ConversationRecipientsTable
  conversation_shares: ConversationSharesTable
  conversation_requests: ConversationRequestsTable
  conversation_receipts: ConversationReceiptsTable
  conversation_exports: ConversationExportsTable
}
