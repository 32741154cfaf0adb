import type { VidType } from '../../repository/vid-policy.ts'

/**
 * `RESERVED`: the number is given, the data are not there yet. Only an `ACTIVATED` identity is read or shared.
 */
export type RecordStatus = 'RESERVED' | 'ACTIVATED' | 'BLOCKED' | 'DEACTIVATED'

/** Folder in the object store, as MOSIP names it. */
export type FileCategory = 'Biometrics' | 'Demographics'

/** A person's row. Nothing in it names anybody without the keys. */
export interface StoredRecord {
  /** 16 random bytes, base64url. */
  readonly record: string
  /** What the UIN is looked up by. */
  readonly tag: string
  /** The UIN, sealed. */
  readonly uin: string
  readonly status: RecordStatus
  /** Of the newest data; 0: none yet. */
  readonly version: number
  /** Registration that the number was given to. */
  readonly rid: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly changedAt: number
}

/** A sealed object that belongs to a version. */
export interface StoredFileRef {
  readonly category: FileCategory
  /** Of the ID schema: `proofOfIdentity`, `individualBiometrics`. */
  readonly field: string
  readonly format: string
  /** Last part of the object's name. */
  readonly ref: string
  /** Of the plaintext; see {@link RecordSealer.digest}. */
  readonly digest: string
}

/** The data as of one change. Earlier ones stay: the history. */
export interface StoredVersion {
  readonly record: string
  readonly version: number
  /** Registration that brought it. */
  readonly rid: string
  /** Identity JSON, sealed. */
  readonly data: Uint8Array
  readonly digest: string
  readonly files: readonly StoredFileRef[]
  readonly createdAt: number
}

export type VidStatus = 'ACTIVE' | 'REVOKED'

export interface StoredVid {
  readonly tag: string
  readonly record: string
  readonly type: VidType
  /** The VID, sealed. */
  readonly vid: string
  readonly status: VidStatus
  readonly createdAt: number
  /** Milliseconds; null: never. */
  readonly expiresAt: number | null
  /** Authentications at each IDA; null: no limit. */
  readonly transactionLimit: number | null
}

export interface RepositoryReads {
  findByTag(tag: string): Promise<StoredRecord | undefined>
  findByRid(rid: string): Promise<StoredRecord | undefined>
  findRecord(record: string): Promise<StoredRecord | undefined>
  /** Records in effect behind this one, in the order of the records. */
  activeRecords(after: string, limit: number): Promise<readonly string[]>
  countActive(): Promise<number>
  findVersion(record: string, version: number): Promise<StoredVersion | undefined>
  /** Oldest first, without the data. */
  versions(record: string): Promise<readonly Omit<StoredVersion, 'data'>[]>
  findVid(tag: string): Promise<StoredVid | undefined>
  /** Of one person, oldest first. */
  vids(record: string): Promise<readonly StoredVid[]>
}

/** What happened to an identity, for whoever must tell others. */
export type IdentityChange =
  | { readonly kind: 'created' | 'updated'; readonly record: string; readonly version: number }
  | { readonly kind: 'status'; readonly record: string; readonly status: RecordStatus }
  | { readonly kind: 'vid-created' | 'vid-revoked'; readonly record: string; readonly vidTag: string }

export interface RepositoryTransaction extends RepositoryReads {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Locks a person's row until the end. */
  lock(record: string): Promise<StoredRecord | undefined>
  /** @returns false if the tag or the registration has a record already. */
  insertRecord(record: StoredRecord): Promise<boolean>
  saveRecord(record: StoredRecord): Promise<void>
  insertVersion(version: StoredVersion): Promise<void>
  /** @returns false if the tag is taken. */
  insertVid(vid: StoredVid): Promise<boolean>
  saveVid(vid: StoredVid): Promise<void>
  audit(entry: {
    readonly action: string
    readonly actor: string
    readonly subject: string
    readonly detail?: Readonly<Record<string, string | number>>
  }): void
  /** In the same transaction, told to the server's other parts. */
  changed(change: IdentityChange): Promise<void>
}

/** The repository's tables of one application and one profile. */
export interface RepositoryStore extends RepositoryReads {
  transaction<T>(run: (transaction: RepositoryTransaction) => Promise<T>): Promise<T>
}

/** The part of the object store that the repository needs. */
export interface RecordObjects {
  put(name: string, bytes: Uint8Array): Promise<void>
  get(name: string): Promise<Uint8Array | undefined>
}

/** How a profile hides what the tables and objects hold. */
export interface RecordSealer {
  /** What a UIN or a VID is looked up by. */
  tag(id: string): Promise<string>
  /** @param place - `uin`, or `vid/` and its tag. */
  sealId(record: string, place: string, id: string): Promise<string>
  /** @throws KeyhavenError `OPEN_FAILED`, as the others. */
  openId(record: string, place: string, sealed: string): Promise<string>
  sealIdentity(record: string, version: number, json: Uint8Array): Promise<Uint8Array>
  openIdentity(record: string, version: number, sealed: Uint8Array): Promise<Uint8Array>
  sealFile(
    record: string,
    file: Pick<StoredFileRef, 'category' | 'ref'>,
    bytes: Uint8Array,
  ): Promise<Uint8Array>
  openFile(
    record: string,
    file: Pick<StoredFileRef, 'category' | 'ref'>,
    sealed: Uint8Array,
  ): Promise<Uint8Array>
  /** Of plaintext, checked on each read. */
  digest(record: string, plaintext: Uint8Array): Promise<string>
  /** Folder of a person's objects. */
  folder(record: StoredRecord): string
}
