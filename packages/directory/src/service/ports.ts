import type { Awaitable } from '@keyhaven/crypto'
import type { EntryKind } from '../chain/entry.ts'
import type { ProfileName } from '../chain/profile.ts'

/**
 * Who did it, as the audit log writes it: `token:<name>`, `oidc:<iss>#<sub>`, `device:<username>/<id>`,
 * `system`.
 */
export type Actor = string

/** Who vouched for a user at sign-up: `token` (an operator), or `oidc:` and the issuer. Kept for ever. */
export type SignUpSource = string

/** The row of a user as of the newest entry. */
export interface StoredUser {
  readonly username: string
  readonly chain: number
  readonly sequence: number
  /** SHA-256 of the newest entry's JWS, base64url. */
  readonly head: string
  readonly signUp: SignUpSource
  /**
   * Proof of the user's label, 80 bytes: always the same, and milliseconds to make. Null: made anew with each look-up
   * that does not find it in memory, until the next entry.
   */
  readonly labelProof: Uint8Array | null
  /** Seconds since the epoch. */
  readonly createdAt: number
  readonly changedAt: number
}

/** The row of an accepted entry; never changed, never removed. */
export interface StoredEntry {
  readonly sequence: number
  readonly kind: EntryKind
  readonly entry: string
  /** SHA-256 of `entry`, base64url. */
  readonly hash: string
  readonly acceptance: string
  /** Of its leaf in the log. */
  readonly index: number
  /** 32 random bytes. */
  readonly opening: Uint8Array
  readonly acceptedAt: number
}

/** What the entries say of a device, for look-ups by id and lists; the entries decide. */
export interface StoredDevice {
  readonly device: string
  readonly username: string
  readonly chain: number
  readonly name: string
  readonly profile: ProfileName
  /** When its first record was issued. */
  readonly since: number
  readonly notBefore: number
  readonly expires: number
  /** When it is or was revoked or reset: may lie ahead, while others can object. Null: it is not. */
  readonly endedAt: number | null
}

export interface StoredEncryptionKey {
  readonly device: string
  /** Compact JWS. */
  readonly statement: string
  readonly notBefore: number
  readonly expires: number
}

export interface StoredSignUpToken {
  readonly id: string
  readonly username: string
  /** SHA-256 of the token's text. */
  readonly hash: Uint8Array
  /** The only profile that it admits; null: any. */
  readonly profile: ProfileName | null
  readonly createdAt: number
  readonly createdBy: Actor
  readonly expiresAt: number
  readonly usedAt: number | null
}

export interface DirectoryAuditEntry {
  readonly actor: Actor
  readonly action:
    | 'directory.accept'
    | 'directory.refuse'
    | 'directory.reset'
    | 'directory.revoke'
    | 'directory.sign-up-token.add'
    | 'directory.sign-up-token.delete'
    | 'directory.legacy'
  /** `username`, or `username/device`. */
  readonly subject: string
  readonly detail: Readonly<Record<string, string | number | null>>
}

/** What is asked inside a transaction, or outside: then each answer is of what is committed at that moment. */
export interface DirectoryReads {
  /** The user's row, without a lock. */
  findUser(username: string): Promise<StoredUser | undefined>
  /** In order of their sequence, those after `after`; the first `limit` of them. */
  entries(username: string, after: number, limit?: number): Promise<readonly StoredEntry[]>
  /** By id in the whole application, devices of ended chains too: an id is never used by a second user. */
  findDevice(device: string): Promise<StoredDevice | undefined>
}

/**
 * The store of ONE application inside one transaction: all of it happens, or nothing. Every name is compared
 * byte for byte.
 */
export interface DirectoryTransaction extends DirectoryReads {
  /** The user's row; other transactions that lock it wait until this one ends. */
  lockUser(username: string): Promise<StoredUser | undefined>
  /**
   * Adds an entry if its sequence is free: waits for a transaction that is about to add the same.
   *
   * @returns false if the sequence is taken.
   */
  insertEntry(username: string, entry: StoredEntry): Promise<boolean>
  saveUser(user: StoredUser): Promise<void>
  /** Inserts or replaces by device id. */
  saveDevices(devices: readonly StoredDevice[]): Promise<void>
  /** Inserts, or replaces the device's statement. */
  saveEncryptionKey(username: string, key: StoredEncryptionKey): Promise<void>
  /** Newest statement of each device that has not expired. */
  encryptionKeys(username: string, now: number): Promise<readonly StoredEncryptionKey[]>
  /** Drops the statements of a device, or of all devices of a user. */
  deleteEncryptionKeys(username: string, device?: string): Promise<void>
  insertSignUpToken(token: StoredSignUpToken): Promise<void>
  findSignUpToken(hash: Uint8Array): Promise<StoredSignUpToken | undefined>
  /** Atomic. @returns false if it is used already, or gone. */
  useSignUpToken(id: string, usedAt: number): Promise<boolean>
  /** @returns the token deleted. */
  deleteSignUpToken(id: string): Promise<StoredSignUpToken | undefined>
  /** Newest first. */
  listSignUpTokens(page: Page): Promise<Paged<StoredSignUpToken>>
  listUsers(page: Page & { readonly prefix?: string }): Promise<Paged<StoredUser>>
  devicesOf(username: string): Promise<readonly StoredDevice[]>
  audit(entry: DirectoryAuditEntry): Awaitable<void>
}

export interface Page {
  /** What {@link Paged.next} gave; absent: from the start. */
  readonly cursor?: string
  readonly limit: number
}

export interface Paged<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

export interface DirectoryStore<Tx extends DirectoryTransaction = DirectoryTransaction> {
  /** Outside of any transaction: waits for no lock and takes none. */
  readonly reads: DirectoryReads
  /**
   * Runs in one transaction, and again if the database says so. Resolves after the commit is durable and the
   * anchor knows the log's new size and root. Whatever `run` throws rolls back.
   */
  transaction<T>(run: (tx: Tx) => Promise<T>): Promise<T>
}

export interface LogView {
  /** Checkpoint as a signed note, cosignatures with it. */
  readonly checkpoint: string
  readonly size: number
}

/** The log of the application. */
export interface LogAppender<Tx extends DirectoryTransaction = DirectoryTransaction> {
  /** Adds a leaf in the caller's transaction. @returns its index. */
  append(tx: Tx, leaf: Uint8Array): Promise<number>
  /** The newest checkpoint, made less than an hour ago, of a size of at least `minimumSize`. */
  checkpoint(minimumSize: number): Promise<LogView>
  inclusionProof(index: number, size: number): Promise<readonly Uint8Array[]>
  consistencyProof(from: number, to: number): Promise<readonly Uint8Array[]>
  /** Leaf 0. */
  parameters(): Promise<Uint8Array>
}

/** What came with a first entry, or with the renewal that leaves legacy. */
export type SignUpProof = { readonly token: string } | { readonly idToken: string }

/** Claims of an id token whose signature, issuer, `aud` and times have been checked. */
export interface VerifiedIdToken {
  readonly issuer: string
  readonly subject: string
  readonly nonce: string | undefined
}

/** OpenID Connect sign-in of users. */
export interface SignUpVerifier {
  /**
   * Checks signature, configured issuer, `aud` = our client id only, `exp` and `iat`.
   *
   * @throws KeyhavenError `ACCESS_DENIED` if any of them is wrong or no issuer is configured.
   */
  verifyIdToken(idToken: string): Promise<VerifiedIdToken>
}

/** `look-up-known`: a look-up over the limit of `look-up`, of somebody whom the caller {@link Knows}. */
export type LimitedCall = 'look-up' | 'look-up-known' | 'sign-up' | 'recovery' | 'append'

/** Whether the caller has the name already, so that a look-up tells him nothing that is worth guessing for. */
export type Knows = (caller: { readonly username: string }, username: string) => Awaitable<boolean>

export interface RateLimits {
  /** Counts one call. @returns false if it is over the limit. */
  take(call: LimitedCall, key: string): Awaitable<boolean>
}

/** After a commit: so that other processes and waiting clients hear of it. */
export type NotifyChange = (change: {
  readonly username: string
  readonly sequence: number
  readonly kind: EntryKind
}) => void
