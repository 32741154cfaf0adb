import type { CryptoBackend } from '@keyhaven/crypto'
import type { MasterKey } from '../../keys/identity-keys.ts'
import type { Recipient } from '../../mosip/session-key.ts'
import type { PoolStore } from './pool-store.ts'

/** What an issuer's vault needs in either profile. */
export interface IssuerVaultOptions {
  readonly backend: CryptoBackend
  /** The tenant. */
  readonly application: string
  readonly store: PoolStore
  /** K9. */
  readonly masterKey: () => Promise<MasterKey>
  /**
   * Certificates (K22) of an IDA for which pool keys are wrapped; several while it renews one.
   *
   * @param partner - undefined: of all IDAs, as MOSIP's `zkEncrypt` knows no partner.
   */
  readonly recipients: (partner?: string) => Promise<readonly Recipient[]>
}
