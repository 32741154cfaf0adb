import type { Awaitable } from '@keyhaven/crypto'
import type { Actor, KeyPurpose, ManagedKey } from './managed-key.ts'

/** What a wrapped secret is bound to: it opens in no other place. */
export interface WrapContext {
  /**
   * Not managed keys: `conversation-key` is one of a conversation, `identity-record-key` one of identities,
   * `identity-module-key` a root, module or master key of identity.
   */
  readonly purpose: KeyPurpose | 'conversation-key' | 'identity-record-key' | 'identity-module-key'
  readonly applicationId: string
  /** The managed key's UUID; of a conversation's key `CONVERSATION/KEY`, of identity's `PROFILE/NAME/GENERATION`. */
  readonly id: string
}

/** Protects private keys at rest. `local` (a master key file) and, later, HSMs implement it. */
export interface KeyWrapper {
  readonly name: string
  /** The master key that {@link wrap} uses now. */
  readonly masterKeyId: string
  wrap(plaintext: Uint8Array, context: WrapContext): Awaitable<Uint8Array>
  /**
   * @returns a fresh copy; the caller overwrites it after use.
   * @throws KeyhavenError `OPEN_FAILED` if the bytes or the context differ from what was wrapped,
   *   `STORE_UNAVAILABLE` if the master key that they name is not here.
   */
  unwrap(wrapped: Uint8Array, context: WrapContext): Awaitable<Uint8Array>
  /** Which master key holds these bytes. @throws KeyhavenError `WIRE_MALFORMED`. */
  masterKeyIdOf(wrapped: Uint8Array): string
}

/** One line of the audit log: who did what to which key. */
export interface KeyAuditEntry {
  readonly actor: Actor
  readonly action: 'key.add' | 'key.activate' | 'key.retire' | 'key.revoke' | 'key.schedule'
  readonly applicationId: string
  readonly subject: string
  readonly detail: Readonly<Record<string, string | number | null>>
}

/** The store inside one transaction: all of it happens, or nothing. */
export interface KeyTransaction {
  /** Waits until no other transaction changes this application's keys, then reads them all, newest first. */
  lockAndList(applicationId: string): Promise<readonly ManagedKey[]>
  insert(key: ManagedKey): Promise<void>
  /** Writes all but the identity of the key; a key in state `revoked` loses its private part for ever. */
  update(key: ManagedKey): Promise<void>
  audit(entry: KeyAuditEntry): void
}

/** @typeParam Tx - the server's own transaction, so that a key can be added together with its application. */
export interface KeyStore<Tx> {
  transaction<T>(outer: Tx | undefined, work: (transaction: KeyTransaction) => Promise<T>): Promise<T>
  /** Newest first. @param inside - reads as the transaction sees it. */
  list(applicationId: string, purpose?: KeyPurpose, inside?: Tx): Promise<readonly ManagedKey[]>
  /** Applications that have a pending key to activate or a live key to end at or before `now`. */
  due(now: number, limit: number): Promise<readonly string[]>
  /** The next time at which {@link due} will name an application; undefined if nothing is planned. */
  nextDue(): Promise<number | undefined>
}
