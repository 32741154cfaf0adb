import type { ModuleKeys, OprfClient } from '@keyhaven/identity'
import type { TokenStore } from '../platform/auth/token-store.ts'
import { createIdaParts, type IdaParts } from './ida-parts.ts'
import type { IdentityBase } from './identity-base.ts'
import { createMainParts, type MainParts } from './main-parts.ts'
import { createServerOprfClient } from './oprf/create-oprf.ts'
import { createOprfParts, type OprfParts } from './oprf-parts.ts'

/** The services of this process, each built by its folder: those of its role. */
export interface IdentityParts extends IdentityBase {
  /** Services and officers call with API tokens. */
  readonly tokens: TokenStore
  readonly main?: MainParts
  readonly ida?: IdaParts
  readonly oprf?: OprfParts
}

/** Builds what the role of this process needs, in the order in which one folder needs another. */
export async function createIdentityParts(base: IdentityBase, tokens: TokenStore): Promise<IdentityParts> {
  const moduleKeys = await openModuleKeys(base)
  const common = { ...base, tokens }
  switch (base.role) {
    case 'main':
      return { ...common, main: createMainParts(base, tokens, moduleKeys, oprfClient(base)) }
    case 'ida':
      return { ...common, ida: await createIdaParts(base, moduleKeys, oprfClient(base)) }
    case 'oprf':
      return { ...common, oprf: createOprfParts(base, moduleKeys) }
  }
}

/** Root, module and master keys in an HSM, if one is configured. */
async function openModuleKeys(base: IdentityBase): Promise<ModuleKeys | undefined> {
  const { pkcs11 } = base.identity
  if (pkcs11 === undefined) return undefined
  const [{ openHsmToken }, { createHsmModuleKeys }] = await Promise.all([
    import('../platform/hsm/open-hsm-token.ts'),
    import('./keys/hsm-module-keys.ts'),
  ])
  const token = openHsmToken(pkcs11)
  base.onClose(() => token.close())
  return createHsmModuleKeys(base.state, token, base.applicationId, base.profile)
}

function oprfClient({ state, applicationId, clock, identity }: IdentityBase): OprfClient | undefined {
  const { oprf } = identity
  return oprf && createServerOprfClient({ state, applicationId, clock, ...oprf })
}
