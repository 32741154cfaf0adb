import type { CryptoBackend } from '@keyhaven/crypto'
import type {
  FileCategory,
  RecordObjects,
  RecordSealer,
  RecordStatus,
  RepositoryStore,
  StoredFileRef,
} from './ports.ts'
import type { PersonNumber, Vids } from './vids.ts'

export type RepositoryIdType = 'UIN' | 'VID'

/** A document (K7.1) or a CBEFF file (K7.2). */
export interface IdentityFile {
  readonly category: FileCategory
  readonly field: string
  readonly format: string
  readonly bytes: Uint8Array
}

export interface IdentityData {
  /** Registration that brings it; the same again does nothing. */
  readonly rid: string
  /** By the fields of the ID schema. */
  readonly identity: Readonly<Record<string, unknown>>
  readonly files: readonly IdentityFile[]
}

export interface Identity extends IdentityData {
  readonly record: string
  readonly uin: string
  readonly version: number
  readonly createdAt: number
  readonly changedAt: number
}

/** One change, without what it says of the person. */
export interface IdentityHistoryEntry {
  readonly version: number
  readonly rid: string
  readonly files: readonly Pick<StoredFileRef, 'category' | 'field' | 'format'>[]
  readonly createdAt: number
}

/** Under which numbers an active person is known, and since which registration. */
export interface PersonNumbers {
  /** Registration that brought the newest data. */
  readonly rid: string
  /** The UIN, then the VIDs in effect. */
  readonly numbers: readonly PersonNumber[]
}

export interface IdentitySummary {
  readonly record: string
  readonly status: RecordStatus
  readonly version: number
  readonly createdAt: number
  readonly changedAt: number
}

/**
 * Who has which number, and what is known of him. `id` is a UIN or a VID; whoever is not there, and every
 * number that cannot be one, is `NOT_FOUND`. Nothing in clear leaves the memory of the process.
 */
export interface IdentityRepository extends Vids {
  /** A free number for a registration; the same registration has the same one for ever. */
  giveUin(rid: string): Promise<{ readonly record: string; readonly uin: string }>
  /** The first data of a person. @throws KeyhavenError `CONFLICT` if the registration gave none. */
  add(data: IdentityData): Promise<{ readonly record: string; readonly version: number }>
  /** A further version; earlier ones stay. @throws KeyhavenError `ACCESS_DENIED` if it is blocked. */
  update(id: string, type: RepositoryIdType, data: IdentityData): Promise<{ readonly version: number }>
  /**
   * A further version in which fields and files that are given take the place of those of the same name; all others stay.
   *
   * @throws KeyhavenError `NOT_FOUND`, `ACCESS_DENIED` if it is blocked.
   */
  amend(uin: string, data: IdentityData): Promise<{ readonly version: number }>
  /**
   * @param categories - which files to read with it.
   * @throws KeyhavenError `ACCESS_DENIED` if it is blocked or deactivated; `FILE_DAMAGED` if what is stored is
   *   not what was put there; `OPEN_FAILED`.
   */
  retrieve(id: string, type: RepositoryIdType, categories?: readonly FileCategory[]): Promise<Identity>
  /** The number that a registration was given. */
  uinOf(rid: string): Promise<string>
  uinOfRecord(record: string): Promise<string>
  summary(id: string, type: RepositoryIdType): Promise<IdentitySummary>
  /** Blocks, deactivates or makes active again. */
  setStatus(
    id: string,
    type: RepositoryIdType,
    status: Exclude<RecordStatus, 'RESERVED'>,
    actor: string,
  ): Promise<IdentitySummary>
  /** Of an active person; undefined: nobody is to hear of this record. */
  numbersOf(record: string): Promise<PersonNumbers | undefined>
  /** A page of all active people, in the order of their records. @param after - empty: from the first. */
  activeRecords(after: string, limit: number): Promise<readonly string[]>
  countActive(): Promise<number>
  /** Oldest first. */
  history(id: string, type: RepositoryIdType): Promise<readonly IdentityHistoryEntry[]>
}

export interface RepositoryParts {
  readonly backend: CryptoBackend
  readonly store: RepositoryStore
  readonly objects: RecordObjects
  readonly sealer: RecordSealer
  /** Where the objects lie: `identity/APPLICATION/PROFILE`. */
  readonly prefix: string
  readonly clock: () => number
}
