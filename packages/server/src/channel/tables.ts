/** What an application's clients are given to trust its keys. */
export interface ManifestPublicationsTable {
  application_id: string
  /** Compact JWS by the root; empty until an offline root has signed one. */
  delegation: string
  /** 0 until there is a delegation. */
  delegation_epoch: number
  delegation_expires_at: number
  /** The manifest published last, compact JWS; empty before the first. */
  manifest: string
  /** What the manifest says, without its times: tells whether the keys changed since. */
  manifest_content: string
  manifest_issued_at: number
}

/** A sealed request that ran, kept as long as it could come again. */
export interface ReplayEntriesTable {
  /** SHA-256 over application, kind and value, 32 bytes. */
  entry_hash: Uint8Array
  expires_at: number
}

/** One row: which replay store the servers on this database use. */
export interface ReplayStoreTable {
  /** Always 1. */
  id: number
  kind: 'memory' | 'database' | 'redis'
  /** Another one once the store has forgotten what it knew; `database` for the database. */
  identity: string
  /** Requests dated earlier are refused; 0 if there was no other store before. */
  since: number
  /** 0 when the last process that used it has said so. */
  renewed_at: number
}

/** Requests by key, hour and app version. */
export interface UsageHoursTable {
  application_id: string
  /** Milliseconds, a full hour. */
  hour: number
  /** UUID of the key. */
  key_uuid: string
  /** Empty for clients that name none. */
  app_version: string
  requests: number
}

export interface UsageKeysTable {
  key_uuid: string
  application_id: string
  last_used_at: number
}

/** The last call of each installation. */
export interface InstallationsTable {
  application_id: string
  installation_id: string
  /** UUID of the key that the last call used. */
  key_uuid: string
  last_used_at: number
  app_version: string
  sdk_version: string
  /** `manifest` or `pinned`. */
  trust: string
}

/** New installations of an application by hour. */
export interface InstallationHoursTable {
  application_id: string
  /** Milliseconds, a full hour. */
  hour: number
  added: number
  /** Beyond the bound: they have no row in `installations`. */
  left_out: number
}

export interface ChannelTables {
  manifest_publications: ManifestPublicationsTable
  replay_entries: ReplayEntriesTable
  replay_store: ReplayStoreTable
  usage_hours: UsageHoursTable
  usage_keys: UsageKeysTable
  installations: InstallationsTable
  installation_hours: InstallationHoursTable
}
