import { backend } from '@keyhaven/crypto'
import type { Profile } from '@keyhaven/identity'
import {
  createIdentityRepository,
  createKeyhavenSealer,
  createMosipSealer,
  type IdentityChange,
  type IdentityRepository,
  type RepositoryKeys,
} from '@keyhaven/identity/service'
import type { ObjectStore } from '../../platform/objects/object-store.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import { createRecordKeys } from './record-keys.ts'
import { createRepositoryStore } from './repository-store.ts'
import { createUinSalts } from './uin-salts.ts'

export interface OpenRepositoryOptions {
  readonly state: State
  readonly objects: Pick<ObjectStore, 'put' | 'get'>
  readonly applicationId: string
  readonly profile: Profile
  /** Base keys of ID_REPO; only the profile `mosip` asks for them. */
  readonly keys: RepositoryKeys
  readonly clock: () => number
  /** Told in the transaction of each change of an identity. */
  readonly onChange?: (transaction: StateTransaction, change: IdentityChange) => Promise<void>
}

/** The repository of one application in one profile. */
export function openIdentityRepository(options: OpenRepositoryOptions): IdentityRepository {
  const { state, objects, applicationId, profile, keys, clock } = options
  const sealer =
    profile === 'mosip'
      ? createMosipSealer(backend, keys, createUinSalts(state, applicationId))
      : createKeyhavenSealer(backend, applicationId, createRecordKeys(state, applicationId))
  return createIdentityRepository({
    ...{ backend, objects, sealer, clock },
    store: createRepositoryStore(options),
    prefix: `identity/${applicationId}/${profile}`,
  })
}
