/** How far each user's mailbox has come: the row that orders what arrives. */
export interface MailboxHeadsTable {
  application_id: string
  username: string
  /** Of the newest message; the next one gets the next number. */
  cursor: number
}

/** A message once, however many users it is for. */
export interface MailboxMessagesTable {
  application_id: string
  id: string
  from_username: string
  from_device: string
  envelope: string
  received_at: number
}

/** Whose mailbox a message is in, and where. */
export interface MailboxDeliveriesTable {
  application_id: string
  username: string
  cursor: number
  message_id: string
  received_at: number
}

/** Encrypted message keys, for a device of the user or for its recovery key. */
export interface HistoryBatchesTable {
  application_id: string
  username: string
  /** A device id, or `backup`. */
  recipient: string
  cursor: number
  /** Compact JWS. */
  batch: string
  /** Its length. */
  characters: number
  /** The device that sent it. */
  from_device: string
  received_at: number
}

/** The recovery key, encrypted under a passphrase or a passkey of the user. */
export interface RecoveryBlobsTable {
  application_id: string
  username: string
  /** `passphrase` or `passkey`. */
  kind: string
  wrapped: string
  changed_at: number
}

export interface MessagingTables {
  mailbox_heads: MailboxHeadsTable
  mailbox_messages: MailboxMessagesTable
  mailbox_deliveries: MailboxDeliveriesTable
  history_batches: HistoryBatchesTable
  recovery_blobs: RecoveryBlobsTable
}
