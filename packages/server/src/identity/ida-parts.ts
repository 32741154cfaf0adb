import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { IdentityKeys, JwsTrust, ModuleKeys, OprfClient } from '@keyhaven/identity'
import {
  type AuthenticationService,
  type AuthenticationStore,
  bioSdkMatcher,
  createAuthenticationService,
  type IdaVault,
  issuerTrust,
} from '@keyhaven/identity/service'
import { simulatedMatcher } from '@keyhaven/identity/simulator'
import { pinIssuer } from './authentication/pin-issuer.ts'
import { createSmtpOtpSender } from './authentication/smtp-otp-sender.ts'
import { createAuthenticationStore } from './ida/authentication-store.ts'
import { deriveIdaSecrets } from './ida/ida-secrets.ts'
import type { EventImportParts } from './ida/import-event.ts'
import { createIssuerStore, type IssuerStore } from './ida/issuer-store.ts'
import { createPartnerKey, type PartnerKey } from './ida/partner-key.ts'
import { createShareReader } from './ida/read-share.ts'
import type { IdentityBase } from './identity-base.ts'
import { createIdentityKeys, KEY_TICK_MS } from './keys/create-identity-keys.ts'
import { createKeyPolicies, type ManagedKeyPolicies } from './keys/key-policies.ts'
import { createRecordKeys } from './repository/record-keys.ts'
import { createServerIdaVault } from './vault/create-server-ida-vault.ts'

const PRUNE_MS = 60_000
const PIN_MS = 5_000

/** Of the process of role `ida`. */
export interface IdaParts {
  readonly keys: IdentityKeys
  readonly keyPolicies: ManagedKeyPolicies
  readonly store: AuthenticationStore
  readonly service: AuthenticationService
  readonly vault: IdaVault
  readonly partnerKey: PartnerKey
  readonly issuers: IssuerStore
  readonly events: EventImportParts
  /** Under which people's failures are kept; see `createSubjectNames`. */
  subjectKey(): Promise<Uint8Array>
  /** Shown wherever results of it are: the simulated one says what it is. */
  readonly matcher: string
}

/** @param moduleKeys - of an HSM; else in the database. @param oprf - profile `keyhaven`. */
export async function createIdaParts(
  base: IdentityBase,
  moduleKeys: ModuleKeys | undefined,
  oprf: OprfClient | undefined,
): Promise<IdaParts> {
  const { state, applicationId, profile, clock, identity } = base
  const place = { state, applicationId, profile, clock }
  const keys = createIdentityKeys({ ...place, role: 'ida', ...(moduleKeys && { moduleKeys }) })
  base.every(KEY_TICK_MS, 'renewing keys failed', () => keys.tick())
  const secrets = await deriveIdaSecrets(await createRecordKeys(state, applicationId)(), applicationId)
  const store = createAuthenticationStore(state, applicationId, clock)
  base.every(PRUNE_MS, 'forgetting old requests failed', () => store.prune(clock()))
  const issuers = createIssuerStore(state, applicationId)
  const issuer = issuerTrust(() => issuers.root(), clock)
  const partnerKey = createPartnerKey({ ...place, partnerId: identity.idaPartner, keys, secrets })
  const people = createPeople(base, keys, issuer, partnerKey, oprf)
  followIssuer(base, issuers)
  const matcher = identity.bioSdkUrl === undefined ? simulatedMatcher : bioSdkMatcher(identity.bioSdkUrl)
  const service = await createAuthenticationService({
    ...{ application: applicationId, profile, store, vault: people.vault, keys, secrets, matcher, clock },
    rules: identity.matching,
    senders: identity.smtp === undefined ? [] : [createSmtpOtpSender(identity.smtp)],
    monotonic: () => performance.now(),
    wait: async (milliseconds) => void (await setTimeout(milliseconds)),
    newId: randomUUID,
    onError: (error) => base.logger.error({ err: error }, 'an authentication met a fault'),
  })
  return {
    ...{ keys, store, service, vault: people.vault, partnerKey, issuers, matcher: matcher.name },
    keyPolicies: createKeyPolicies(state, applicationId),
    subjectKey: async () => secrets.subjectKey,
    events: { partnerId: identity.idaPartner, issuer, store, people },
  }
}

function createPeople(
  base: IdentityBase,
  keys: IdentityKeys,
  issuer: JwsTrust,
  partnerKey: PartnerKey,
  oprf: OprfClient | undefined,
): NonNullable<EventImportParts['people']> {
  const { state, applicationId, profile, clock, identity } = base
  const shares = createShareReader({
    ...{ profile, partnerId: identity.idaPartner, application: applicationId, partnerKey, issuer, clock },
    issuerUrl: identity.issuerUrl ?? '',
  })
  const vault = createServerIdaVault({
    ...{ state, applicationId, profile, keys, issuer, clock },
    ...(oprf && { oprf }),
    partner: identity.idaPartner,
    openShare: (share) => shares.open(share),
    onError: (error) => base.logger.error({ err: error }, 're-encryption of a person failed'),
  })
  return { vault, shares }
}

/** Pins the issuer's root as soon as there is one. */
export function followIssuer(base: IdentityBase, issuers: IssuerStore): void {
  const { issuerUrl } = base.identity
  if (issuerUrl === undefined) return
  const pin = () => pinIssuer(issuers, issuerUrl)
  base.every(PIN_MS, 'the issuer cannot be trusted yet', pin)
  if (base.schedule) pin().catch((error: unknown) => base.logger.warn({ err: error }, 'no issuer is pinned'))
}
