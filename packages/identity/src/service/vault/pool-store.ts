import type { Profile } from '../../profile.ts'

/** A pool key as it is kept. Never in clear. */
export interface StoredPoolKey {
  readonly index: number
  /** `mosip`: standard Base64 of AES-ECB; `keyhaven`: base64url of an AEAD with the index in its data. */
  readonly wrapped: string
  /** Tells this key from any other, and nothing else of it: see `poolKeyCheck`. base64url. */
  readonly check: string
}

/** One generation of a pool. At the IDA it holds the keys that have been imported. */
export interface PoolGeneration {
  readonly generation: number
  readonly keys: number
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

export type PoolConflictKind =
  /** An event brought another key for an index. */
  | 'import'
  /** A generation was to be made where keys are. */
  | 'create'
  /** A stored key does not unwrap to what was stored: the master key is another one, or the row was changed. */
  | 'unwrap'

/** A second key for an index: refused, and kept for an operator. */
export interface PoolConflict {
  readonly id: string
  readonly kind: PoolConflictKind
  readonly index: number
  /** What we hold. base64url. */
  readonly check: string
  /** What came instead. base64url. */
  readonly otherCheck: string
  /** Event id; empty if none brought it. */
  readonly source: string
  readonly seenAt: number
  /** Null until an operator has closed it. */
  readonly closedAt: number | null
  readonly closedBy: string | null
}

/** Keeps the pool of one application in one profile. Each call is one transaction of its own. */
export interface PoolStore {
  readonly profile: Profile
  /** Newest first. */
  generations(): Promise<readonly PoolGeneration[]>
  findKey(index: number): Promise<StoredPoolKey | undefined>
  /**
   * All keys of a generation, or none.
   *
   * @returns false if one of its numbers is taken: then nothing was written.
   */
  insertGeneration(generation: number, keys: readonly StoredPoolKey[], actor: string): Promise<boolean>
  /** A uniform choice among the keys of the newest generation that are here; undefined without any. */
  anyOfNewest(random: number): Promise<StoredPoolKey | undefined>
  /** Audited. The same conflict is kept once. */
  reportConflict(conflict: Omit<PoolConflict, 'id' | 'seenAt' | 'closedAt' | 'closedBy'>): Promise<void>
  openConflicts(): Promise<number>
  /** Newest first. */
  conflicts(page: { readonly after?: string; readonly limit: number }): Promise<readonly PoolConflict[]>
  /** @returns false if it is not open. */
  closeConflict(id: string, actor: string, reason: string): Promise<boolean>
}
