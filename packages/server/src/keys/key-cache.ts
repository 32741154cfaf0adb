import type { AeadName, KemPrivateKey } from '@keyhaven/crypto'
import type { KeyState, ManagedE2eKey } from '@keyhaven/keys'

/** A key as the gateway needs it; without a private key it is revoked, or its planned end has come. */
export interface CachedKey {
  readonly id: string
  readonly keyId: number
  readonly state: KeyState
  readonly privateKey?: KemPrivateKey
  readonly aeads: readonly AeadName[]
}

/**
 * Keys by application and key id, in memory. Answers at once when it can, so await only what is a promise.
 */
export interface KeyCache {
  /**
   * @returns undefined if unknown.
   * @throws KeyhavenError `STORE_UNAVAILABLE` when the state cannot be confirmed.
   */
  find(applicationId: string, keyId: number): CachedKey | undefined | Promise<CachedKey | undefined>
  /** Active end-to-end keys, newest first; empty for an application without any. */
  advertised(applicationId: string): Promise<readonly ManagedE2eKey[]>
  /** Live end-to-end keys, newest first. */
  live(applicationId: string): Promise<readonly ManagedE2eKey[]>
}
