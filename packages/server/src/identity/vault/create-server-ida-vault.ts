import { backend } from '@keyhaven/crypto'
import {
  IDENTITY_CACHE,
  type IdentityKeys,
  type JwsTrust,
  type OprfClient,
  type Profile,
} from '@keyhaven/identity'
import type { IdaVault } from '@keyhaven/identity/service'
import { createIdaVault } from '@keyhaven/identity/service'
import type { State } from '../../platform/state/state.ts'
import { CRED_SERVICE } from './create-issuer-vault.ts'
import { createIdaStore } from './ida-store.ts'

export interface IdaVaultParts {
  readonly state: State
  readonly applicationId: string
  readonly profile: Profile
  /** Partner id of this IDA. */
  readonly partner: string
  readonly keys: Pick<IdentityKeys, 'masterKey' | 'opener'>
  /** Opens a share that was made for us (PK8). */
  readonly openShare: (share: Uint8Array) => Promise<Uint8Array>
  readonly issuer: JwsTrust
  readonly oprf?: OprfClient
  readonly clock: () => number
  readonly onError: (error: unknown) => void
}

/** The IDA's vault of an application, in its database. */
export function createServerIdaVault(parts: IdaVaultParts): IdaVault {
  const { state, applicationId, profile, partner, keys, openShare, issuer, oprf, clock, onError } = parts
  return createIdaVault({
    ...{ backend, application: applicationId, partner, openShare, issuer, clock, onError },
    ...(oprf && { oprf }),
    store: createIdaStore(state, applicationId, profile),
    masterKey: () => keys.masterKey(IDENTITY_CACHE.ida),
    opener: keys.opener(CRED_SERVICE),
  })
}
