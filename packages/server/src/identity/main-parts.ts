import { backend } from '@keyhaven/crypto'
import type { IdentityKeys, ModuleKeys, OprfClient } from '@keyhaven/identity'
import {
  bioSdkMatcher,
  createKeymanager,
  type IdentityRepository,
  type Keymanager,
} from '@keyhaven/identity/service'
import { simulatedMatcher } from '@keyhaven/identity/simulator'
import type { TokenStore } from '../platform/auth/token-store.ts'
import type { JobRunner } from '../platform/jobs/job.ts'
import { createJobs, type Jobs } from '../platform/jobs/jobs.ts'
import { type Backfills, createBackfills } from './backfill/backfills.ts'
import { planBackfill } from './backfill/plan-backfill.ts'
import { type Credentials, createCredentials } from './credentials/create-credentials.ts'
import { personOf, tokenOf } from './credentials/credential-people.ts'
import { createIssuingRepository } from './credentials/issuing-repository.ts'
import { createCredentialOrders } from './credentials/order-credentials.ts'
import { planPersonOrders, runPersonOrders } from './credentials/person-orders.ts'
import { createIssuerTokens } from './credentials/person-tokens.ts'
import { pruneEvents, runDeliveries } from './events/run-deliveries.ts'
import type { IdentityBase } from './identity-base.ts'
import { createIdentityCallers, type IdentityCallers } from './identity-callers.ts'
import { createIdentityKeys, KEY_TICK_MS } from './keys/create-identity-keys.ts'
import { createKeyPolicies, type ManagedKeyPolicies } from './keys/key-policies.ts'
import { type OpenPartners, openPartners } from './partners/open-partners.ts'
import { certificateOf, trustPartner } from './partners/partner-certificates.ts'
import { openRegistrations, type Registrations } from './registration/registrations.ts'
import { shareWithAbis } from './registration/share-with-abis.ts'
import { createSimulatedAbis } from './registration/simulated-abis.ts'
import { createRecordKeys } from './repository/record-keys.ts'
import { openIdentityRepository } from './repository/repository.ts'
import { createIssuerVault, type IssuerVaultService } from './vault/create-issuer-vault.ts'

const TIDY_MS = 60_000
const PRUNE_EVENTS_MS = 3_600_000
/** Issuer's name in credentials, where no address of it is configured. */
const ISSUER = 'urn:keyhaven:issuer'
const CREDENTIALS_AT_ONCE = 2

/** Of the process of role `main`. */
export interface MainParts {
  readonly keys: IdentityKeys
  readonly keymanager: Keymanager
  readonly keyPolicies: ManagedKeyPolicies
  readonly jobs: Jobs
  readonly callers: IdentityCallers
  readonly partners: OpenPartners
  readonly vault: IssuerVaultService
  readonly backfills: Backfills
  readonly credentials: Credentials
  readonly repository: IdentityRepository
  readonly registrations: Registrations
  /** Orders what is planned of people who changed, in this process. */
  readonly runPersonOrders: (onError: (error: unknown) => void) => JobRunner
  /** Shown wherever results of it are: the simulated one says what it is. */
  readonly matcher: string
}

/** @param moduleKeys - of an HSM; else in the database. @param oprf - profile `keyhaven`. */
export function createMainParts(
  base: IdentityBase,
  tokens: TokenStore,
  moduleKeys: ModuleKeys | undefined,
  oprf: OprfClient | undefined,
): MainParts {
  const { state, applicationId, profile, clock, identity, objects } = base
  const place = { state, applicationId, profile, clock }
  const matcher = identity.bioSdkUrl === undefined ? simulatedMatcher : bioSdkMatcher(identity.bioSdkUrl)
  const jobs = createJobs(state, clock)
  const keys = createIdentityKeys({
    ...{ ...place, role: 'main', ...(moduleKeys && { moduleKeys }) },
    partnerCertificate: (partnerId) => certificateOf(partners, partnerId, clock()),
  })
  base.every(KEY_TICK_MS, 'renewing keys failed', () => keys.tick())
  const partners: OpenPartners = openPartners({
    ...{ ...place, config: base.config, keys, jobs, objects, url: base.url },
    extract: (birs, what) => matcher.extract(birs, what),
    credentials: () => credentials,
  })
  const keyPolicies = createKeyPolicies(state, applicationId)
  const keymanager = createKeymanager({
    ...{ backend, keys, policies: keyPolicies, clock, pinIterations: identity.pinIterations },
    trust: (domain, certificates) => trustPartner(partners, domain, certificates, clock()),
  })
  const vault = createIssuerVault({
    ...{ ...place, keys, signer: partners.signer, ...(oprf && { oprf }) },
    onRecipient: planBackfill(jobs, applicationId),
  })
  const recordKeys = createRecordKeys(state, applicationId)
  const stored = openIdentityRepository({
    ...{ ...place, objects, keys },
    onChange: planPersonOrders(jobs, applicationId),
  })
  const personToken = createIssuerTokens(recordKeys, applicationId, profile)
  const credentials = createCredentials({
    ...{ state, applicationId, keys, jobs, clock, signer: partners.signer },
    ...{ events: partners.events, decisions: partners.decisions, datashare: partners.datashare },
    ...{ vault: vault.vault, issuer: identity.url ?? ISSUER },
    person: (id, idType) => personOf(stored, id, idType),
    token: (id, partnerId) => tokenOf(stored, personToken, id, partnerId),
  })
  const order = createCredentialOrders(partners.store, credentials)
  const repository = createIssuingRepository({
    repository: stored,
    partners: partners.store,
    credentials,
  })
  const backfills = createBackfills({
    ...{ state, applicationId, jobs, clock, partners: partners.store, recipients: vault.recipients },
    ...{ repository: stored, credentials },
  })
  const registrations = openRegistrations({
    ...{ state, objects, jobs, applicationId, profile, keys, clock, repository: stored },
    abis: shareWithAbis(createSimulatedAbis(state, applicationId, matcher, recordKeys), {
      ...{ state, clock, partners: partners.store, datashare: partners.datashare },
      ...{ decisions: partners.decisions, events: partners.events },
    }),
    credentials: { issue: ({ rid, uin }) => order({ reason: rid, id: uin, idType: 'UIN' }) },
  })
  const main: MainParts = {
    ...{ keys, keymanager, keyPolicies, jobs, partners, vault, credentials, repository, registrations },
    backfills,
    callers: createIdentityCallers({ tokens, oidc: identity.oidc, clock }),
    runPersonOrders: (onError) => runPersonOrders({ jobs, repository: stored, order }, onError),
    matcher: matcher.name,
  }
  if (base.schedule) runJobs(base, main)
  return main
}

/** Registrations, credentials and events, as they come due; and what has to be forgotten. */
function runJobs(base: IdentityBase, main: MainParts): void {
  const { jobs, partners, credentials, registrations } = main
  const { applicationId, logger } = base
  const onError = (what: string) => (error: unknown) => logger.warn({ err: error }, what)
  const runners = [
    registrations.run(onError('a registration has to be tried again')),
    credentials.run({
      onError: onError('a credential has to be tried again'),
      concurrency: CREDENTIALS_AT_ONCE,
    }),
    main.backfills.run(onError('a page of a backfill has to be gone through again')),
    main.runPersonOrders(onError('orders of a person have to be made again')),
    runDeliveries(partners.deliverer, {
      ...{ jobs, applicationId },
      onError: onError('an event has to be sent again'),
    }),
  ]
  for (const runner of runners) base.onClose(() => runner.stop())
  const untidy = onError('a share could not be deleted')
  base.every(TIDY_MS, 'tidying shares failed', () => partners.datashare.tidy(untidy))
  base.every(PRUNE_EVENTS_MS, 'erasing old events failed', () => pruneEvents(partners))
}
