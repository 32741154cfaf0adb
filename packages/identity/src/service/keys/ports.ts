import type { IdentityKeyPage } from '../../keys/identity-keys.ts'
import type { KeyName } from '../../keys/key-name.ts'

/** A generation of a key: what the store has of it. */
export interface IdentityKeyRecord {
  readonly name: KeyName
  /** 1, 2, 3 … */
  readonly generation: number
  /** DER. */
  readonly certificate: Uint8Array
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly thumbprint: string
  /** Generation of the parent that signed it (and wraps the private part); undefined of a root. */
  readonly parentGeneration: number | undefined
  /** Base keys: the private part as `sealKeyAtRest` made it. Undefined where it is in the module. */
  readonly wrapped: string | undefined
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly notAfter: number
}

/** A row of a list. */
export type ListedIdentityKey = Pick<
  IdentityKeyRecord,
  'name' | 'generation' | 'thumbprint' | 'createdAt' | 'notAfter'
> & { readonly newest: boolean }

/** Certificates of one application and profile, and the private parts of its base keys. */
export interface IdentityKeyStore {
  /** Every generation of a key, newest first. */
  find(name: KeyName): Promise<readonly IdentityKeyRecord[]>
  list(page: IdentityKeyPage): Promise<readonly ListedIdentityKey[]>
  /** Keys whose newest generation ends at or before then. */
  ending(notAfter: number): Promise<readonly KeyName[]>
  /**
   * Adds it unless its generation is there, and says so in the audit log.
   *
   * @param actor - who asked for it; `system` where nobody did.
   * @returns what is there now: another process may have been faster.
   */
  add(record: IdentityKeyRecord, actor: string): Promise<IdentityKeyRecord>
  /** @param listener - runs when any process may have added a key of this application. */
  onChange(listener: () => void): void
}
