import type { ModuleKeys } from '@keyhaven/identity'
import { createPartnerView, issuerTrust } from '@keyhaven/identity/service'
import { createAuthenticationStore } from './ida/authentication-store.ts'
import type { EventImportParts } from './ida/import-event.ts'
import { createIssuerStore, type IssuerStore } from './ida/issuer-store.ts'
import { followIssuer } from './ida-parts.ts'
import type { IdentityBase } from './identity-base.ts'
import { createLocalModuleKeys } from './keys/local-module-keys.ts'
import { createServedOprf, type ServedOprf } from './oprf/create-oprf.ts'

/** Of the process of role `oprf`. */
export interface OprfParts {
  readonly oprf: ServedOprf
  readonly issuers: IssuerStore
  /** The issuer tells it of authorities, whose partners may have somebody looked up. */
  readonly events: EventImportParts
}

export function createOprfParts(base: IdentityBase, moduleKeys: ModuleKeys | undefined): OprfParts {
  const { state, applicationId, profile, clock, identity } = base
  const issuers = createIssuerStore(state, applicationId)
  const issuer = issuerTrust(() => issuers.root(), clock)
  followIssuer(base, issuers)
  const store = createAuthenticationStore(state, applicationId, clock)
  const partners = createPartnerView(store)
  const oprf = createServedOprf({
    ...{ state, applicationId, issuer, clock },
    moduleKeys: moduleKeys ?? createLocalModuleKeys(state, applicationId, profile),
    partners: () => partners.current(),
  })
  base.every(oprf.pruneEvery, 'forgetting old orders failed', () => oprf.prune())
  return { oprf, issuers, events: { partnerId: identity.idaPartner, issuer, store, people: undefined } }
}
