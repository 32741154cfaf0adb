/** The one row that every change locks and advances. */
export interface StateHeadTable {
  /** Always 1. */
  id: number
  /** Random, made with the database: tells one installation's database from another's. */
  installation: string
  /** Rises with every change that other processes must hear of. */
  version: number
  audit_sequence: number
  /** 32 bytes. */
  audit_hash: Uint8Array
  /** Milliseconds; audit times never go back. */
  audit_at: number
  /** The master key under which keys are wrapped now; empty until the first start. */
  master_key_id: string
  /** Milliseconds: requests dated before it are refused, since the last restore or recovery; 0 if none. */
  restored_at: number
}

/** What changed at which version; processes read it to forget what they cached. */
export interface StateChangesTable {
  version: number
  /** `*` means everything. */
  application_id: string
}

/** The audit log: append only, each row's hash covers the one before. */
export interface AuditEntriesTable {
  sequence: number
  at: number
  actor: string
  action: string
  /** Empty if the entry is about no application. */
  application_id: string
  subject: string
  /** Canonical JSON. */
  detail: string
  /** 32 bytes. */
  hash: Uint8Array
}

/** How far each application's manifest has come: clients refuse what is older. */
export interface ManifestsTable {
  application_id: string
  epoch: number
  sequence: number
}

export interface PlatformTables {
  state_head: StateHeadTable
  state_changes: StateChangesTable
  audit_entries: AuditEntriesTable
  manifests: ManifestsTable
}
