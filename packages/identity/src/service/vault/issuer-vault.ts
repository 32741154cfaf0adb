import type { Profile } from '../../profile.ts'
import type { VaultIdentifier } from '../../vault/credential-event.ts'
import type { PoolConflict, PoolGeneration } from './pool-store.ts'

/** What a record is, for a sealed attribute to be bound to. */
export interface RecordPlace {
  /** Credential id. */
  readonly record: string
  /** Partner id of the IDA. */
  readonly partner: string
  readonly policy: string
}

/** One group of attributes sealed under one pool key: demographics or biometrics. */
export interface SealedGroup {
  /** By name, Base64url of the profile's layout. */
  readonly values: ReadonlyMap<string, string>
  /** The pool key for each certificate of the IDA (ZKn-IDA). */
  readonly encryptedRandomKey: string
  readonly index: number
}

/** A person as the vault sees one while a credential is made. End it: {@link VaultSubject.close}. */
export interface VaultSubject {
  /** Hash or tag of the id, and what the IDA needs to compute it. */
  readonly identifier: VaultIdentifier
  /**
   * Steps 3 to 6 of issuing: chooses a pool key, derives the person's key, encrypts, and wraps the pool key
   * for the IDA.
   *
   * @throws KeyhavenError `CONFLICT` if the pool key is not the one that was stored, `NOT_FOUND` without a
   *   certificate of the IDA, `INPUT_INVALID` on an empty value.
   */
  seal(place: RecordPlace, attributes: ReadonlyMap<string, string>): Promise<SealedGroup>
  /** Overwrites what was derived. */
  close(): void
}

export interface VaultStatus {
  readonly profile: Profile
  /** Newest first; new credentials take keys of the first. */
  readonly generations: readonly PoolGeneration[]
  readonly openConflicts: number
}

export interface MadePool {
  readonly generation: number
  readonly keys: number
}

/** The issuer's side of the vault, of one application and profile. */
export interface IssuerVault {
  readonly profile: Profile
  status(): Promise<VaultStatus>
  /**
   * Makes the first generation of the pool (step 2), ahead of the first credential, which would make it otherwise.
   *
   * @throws KeyhavenError `CONFLICT` if there is one: an index never changes its meaning.
   */
  createPool(actor: string): Promise<MadePool>
  /** Makes the next generation, under new numbers; from now on keys are taken from it. */
  rotatePool(actor: string): Promise<MadePool>
  /**
   * @param request - what the oblivious PRF is asked for: the credential request's id.
   * @throws KeyhavenError `RATE_LIMITED`, `ACCESS_DENIED`, `UPSTREAM_FAILED` of the oblivious PRF.
   */
  subject(id: string, request: string): Promise<VaultSubject>
  /**
   * Everything that the person may be stored under at an IDA: in profile `keyhaven` one tag for each key of the
   * oblivious PRF, newest first. Throws as {@link subject}.
   */
  identifiers(id: string, request: string): Promise<readonly VaultIdentifier[]>
  /** The newest version of the oblivious PRF's key; null in profile `mosip`. */
  oprfKey(): Promise<number | null>
  conflicts(page: { readonly after?: string; readonly limit: number }): Promise<readonly PoolConflict[]>
  closeConflict(id: string, actor: string, reason: string): Promise<boolean>
}
