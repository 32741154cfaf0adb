/**
 * One file of a conversation, from its first request on. What it holds is ciphertext, in the object store.
 */
export interface FilesTable {
  application_id: string
  /** 16 random bytes, base64url. */
  id: string
  conversation: string
  /** Sequence of the conversation's membership when it was begun. */
  membership: number
  /** Who uploads it. */
  username: string
  device: string
  /** `uploading`, `completing` (all bytes are here), `complete`, `deleting`. */
  state: string
  /** Its length, as it was announced. */
  bytes: number
  /** Bytes acknowledged; those of the parts, and of the tail behind them. */
  received: number
  /** The object store's id of the upload; empty until the first byte. */
  upload: string
  /** Object with the bytes that are too few for a part yet; empty if there are none. */
  tail: string
  tail_bytes: number
  /** Milliseconds since the epoch. */
  created_at: number
  /** Of its last acknowledged bytes. */
  changed_at: number
}

/** Parts of a file that is not complete yet. */
export interface FilePartsTable {
  application_id: string
  file_id: string
  /** From 1. */
  part: number
  /** The object store's name of these very bytes. */
  tag: string
  bytes: number
}

/** When a device was last given a receipt for a file: ranges of one download count once. */
export interface FileReadsTable {
  application_id: string
  file_id: string
  device: string
  at: number
}

export interface FileTables {
  files: FilesTable
  file_parts: FilePartsTable
  file_reads: FileReadsTable
}
