import { type Awaitable, backend } from '@keyhaven/crypto'
import type { Certificate, KeyRole, ModuleKeys, Profile } from '@keyhaven/identity'
import { createIdentityKeyService, type ManagedIdentityKeys } from '@keyhaven/identity/service'
import type { State } from '../../platform/state/state.ts'
import { absentModuleKeys } from './absent-module-keys.ts'
import { createIdentityKeyStore } from './identity-key-store.ts'
import { createLocalModuleKeys } from './local-module-keys.ts'

export interface IdentityKeyParts {
  readonly state: State
  readonly applicationId: string
  readonly profile: Profile
  readonly role: KeyRole
  readonly clock: () => number
  /** @defaultValue {@link createLocalModuleKeys}, unless the settings name an HSM */
  readonly moduleKeys?: ModuleKeys
  readonly partnerCertificate?: (partnerId: string) => Awaitable<Certificate>
}

/** How often its owner calls `tick`: keys are renewed 60 days before they end. */
export const KEY_TICK_MS = 3_600_000

/** The keys of one application in one profile and role. */
export function createIdentityKeys(parts: IdentityKeyParts): ManagedIdentityKeys {
  const { state, applicationId, profile, role, clock, partnerCertificate } = parts
  return createIdentityKeyService({
    ...{ backend, applicationId, profile, role, clock },
    ...(partnerCertificate && { partnerCertificate }),
    store: createIdentityKeyStore(state, applicationId, profile),
    moduleKeys: parts.moduleKeys ?? defaultModuleKeys(parts),
  })
}

function defaultModuleKeys({ state, applicationId, profile }: IdentityKeyParts): ModuleKeys {
  if (state.config.identity?.pkcs11 !== undefined) return absentModuleKeys
  return createLocalModuleKeys(state, applicationId, profile)
}
