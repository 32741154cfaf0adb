import type { Jwk } from '@keyhaven/crypto'

export const ENCRYPTION_KEY_TYP = 'keyhaven-encryption-key+jws'

/**
 * A later encryption key of a device. Compact JWS with header `{alg, typ: 'keyhaven-encryption-key+jws', kid}` by
 * the device's newest signing key; not in the log.
 */
export interface EncryptionKeyStatement {
  readonly v: 1
  readonly application: string
  readonly username: string
  readonly device: string
  /** Hash of the device entry whose signing key signs. */
  readonly entry: string
  readonly key: Jwk
  readonly notBefore: number
  /** At most 7 days after `notBefore`, and not after the record's own. */
  readonly expires: number
}
