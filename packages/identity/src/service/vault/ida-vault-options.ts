import type { CryptoBackend } from '@keyhaven/crypto'
import type { MasterKey } from '../../keys/identity-keys.ts'
import type { JwsTrust } from '../../mosip/jws.ts'
import type { SessionKeyOpener } from '../../mosip/session-key.ts'
import type { OprfClient } from '../../oprf/oprf-client.ts'
import type { IdaStore } from './ida-store.ts'

export interface IdaVaultOptions {
  readonly backend: CryptoBackend
  /** The tenant. */
  readonly application: string
  /** Partner id of this IDA, to whom credentials are issued. */
  readonly partner: string
  readonly store: IdaStore
  /** K18. */
  readonly masterKey: () => Promise<MasterKey>
  /** Opens pool keys that were wrapped for us (K22), also for retired certificates. */
  readonly opener: SessionKeyOpener
  /** Opens a share that was made for us (PK8). @throws KeyhavenError `OPEN_FAILED`, `SIGNATURE_INVALID`. */
  readonly openShare: (share: Uint8Array) => Promise<Uint8Array>
  /** Accepts the issuer's signing certificate, and no other. */
  readonly issuer: JwsTrust
  /** Profile `keyhaven` only. */
  readonly oprf?: OprfClient
  readonly clock: () => number
  /** Gets what failed after an answer was ready: re-encryption on use. */
  readonly onError: (error: unknown) => void
}
