/** Where the audit chain ends. */
export interface AuditHead {
  readonly sequence: number
  /** 32 bytes. */
  readonly hash: Uint8Array
}

export interface ManifestPosition {
  readonly applicationId: string
  readonly epoch: number
  readonly sequence: number
}

export interface RevokedKey {
  /** UUID of a key, or of an API token that was deleted. */
  readonly id: string
  /** Empty for an API token. */
  readonly applicationId: string
}

/** How far an application's log has come. */
export interface LogPosition {
  readonly applicationId: string
  /** Number of entries. */
  readonly size: number
  /** Root at that size, 32 bytes. */
  readonly root: Uint8Array
}

export interface AnchorAdvance {
  readonly version: number
  readonly auditHead: AuditHead
  readonly revoked: readonly RevokedKey[]
  readonly manifests: readonly ManifestPosition[]
  readonly logs?: readonly LogPosition[]
}

export interface AnchorHead {
  readonly installation: string
  readonly version: number
  readonly auditHead: AuditHead
}

/**
 * What the database must not be behind of. It lies beside the master key, outside the database and its
 * backups, so that a restored database is noticed and a revoked key stays revoked.
 */
export interface Anchor {
  /** Undefined before the first advance. */
  head(): AnchorHead | undefined
  /**
   * Only forward: an older version leaves the head as it is, but adds its revoked keys, manifests and logs.
   * @throws KeyhavenError `STORE_UNAVAILABLE`.
   */
  advance(installation: string, advance: AnchorAdvance): void
  /** Sets head and logs also backwards, which only a recovery may do; revoked keys and manifests stay. */
  reset(installation: string, advance: AnchorAdvance): void
  revokedKeys(): Iterable<RevokedKey>
  manifests(): Iterable<ManifestPosition>
  logs(): Iterable<LogPosition>
  close(): void
}
