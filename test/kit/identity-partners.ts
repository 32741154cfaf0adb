import { backend } from '@keyhaven/crypto'
import { certificateToPem, type PartnerType, type Profile, signEncryptionKey } from '@keyhaven/identity'
import { createDatashare, type Datashare, type Partner, type PartnerCaller } from '@keyhaven/identity/service'
import { type TestHolder, testHolder } from '../../packages/identity/test/kit/test-keys.ts'
import { addDatashareRoutes } from '../../packages/server/src/identity/datashare/datashare-routes.ts'
import { createShareStore } from '../../packages/server/src/identity/datashare/share-store.ts'
import type { IdentityCallers } from '../../packages/server/src/identity/identity-callers.ts'
import { createIdentityCallers } from '../../packages/server/src/identity/identity-callers.ts'
import { createIdentityKeys } from '../../packages/server/src/identity/keys/create-identity-keys.ts'
import {
  createPartnerServices,
  type PartnerServices,
} from '../../packages/server/src/identity/partners/partner-services.ts'
import { createTokenStore, type TokenStore } from '../../packages/server/src/platform/auth/token-store.ts'
import type { AppEnv } from '../../packages/server/src/platform/http/call-origin.ts'
import { createApp } from '../../packages/server/src/platform/http/create-app.ts'
import { createJobs, type Jobs } from '../../packages/server/src/platform/jobs/jobs.ts'
import { createLogger } from '../../packages/server/src/platform/log/logger.ts'
import type { ObjectStore } from '../../packages/server/src/platform/objects/object-store.ts'
import { openObjectStore } from '../../packages/server/src/platform/objects/open-object-store.ts'
import type { State } from '../../packages/server/src/platform/state/state.ts'
import type { Engine } from './engines.ts'
import { createStateFixture } from './engines.ts'

export const APPLICATION = 'demo'
export const LISTENER_URL = 'https://id.example.org'
export const MANAGER: PartnerCaller = { actor: 'token:manager' }
export const ADMIN_TOKEN = 'kh_partner-tests-0123456789abcdefghijklmnop'

/** Partners, shares and events of one application over a real store, with a clock that stands still. */
export interface PartnerFixture {
  readonly state: State
  readonly services: PartnerServices
  readonly datashare: Datashare
  readonly objects: ObjectStore
  readonly jobs: Jobs
  readonly tokens: TokenStore
  /** The authority whose certificates partners of these tests have. */
  readonly authority: TestHolder
  /** Milliseconds. */
  now: number
  call(method: string, path: string, options?: CallOptions): Promise<Response>
  /** Adds routes to what {@link call} reaches. */
  readonly app: ReturnType<typeof createApp<AppEnv>>
  readonly callers: IdentityCallers
  /** Entries of the audit log, oldest first. */
  audit(
    action?: string,
  ): Promise<readonly { action: string; subject: string | null; detail: object; actor: string }[]>
  /** An active partner with a certificate. */
  partner(id: string, type: PartnerType, options?: NewPartner): Promise<TestPartner>
  /** Approves a subscription. */
  subscribe(partnerId: string, policyId: string): Promise<string>
  dispose(): Promise<void>
}

export interface CallOptions {
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: BodyInit
}

export interface NewPartner {
  /** Of the fixed test keys. @defaultValue 2 */
  readonly key?: number
  readonly groupId?: string
  readonly organisation?: string
  readonly profile?: Profile
}

export interface TestPartner {
  readonly partner: Partner
  readonly holder: TestHolder
}

export interface FixtureOptions {
  readonly oidc?: { readonly issuer: string; readonly clientId: string; readonly organisationClaim: string }
  readonly webhooksPrivate?: boolean
  readonly unlimitedReads?: boolean
}

export async function createPartnerFixture(
  engine: Engine,
  options: FixtureOptions = {},
): Promise<PartnerFixture> {
  const states = await createStateFixture(engine)
  const time = { now: Math.floor(Date.now() / 1_000) * 1_000 }
  const clock = () => time.now
  const state = await states.open({ clock, schedule: false })
  const objects = await openObjectStore(states.config.objects)
  const jobs = createJobs(state, clock)
  const shared = { state, applicationId: APPLICATION, clock }
  const limits = { unlimitedReads: options.unlimitedReads ?? false }
  const services = createPartnerServices({
    ...{ ...shared, ...limits, jobs, profile: 'mosip', webhooksPrivate: options.webhooksPrivate ?? false },
    keys: createIdentityKeys({ ...shared, profile: 'mosip', role: 'main' }),
  })
  const datashare = createDatashare({
    ...{ backend, applicationId: APPLICATION, objects, signer: services.signer, limits, clock },
    store: createShareStore(state, APPLICATION, services.store.reads),
    url: () => `${LISTENER_URL}/v1/datashare`,
  })
  const tokens = createTokenStore(state, ADMIN_TOKEN, clock)
  const callers = createIdentityCallers({ tokens, oidc: options.oidc, clock })
  const app = createApp<AppEnv>(createLogger('silent'))
  addDatashareRoutes(app, { datashare, callers, objects, url: () => LISTENER_URL, clock })
  const authority = await testHolder(1, {
    ...{ ca: true, subject: { commonName: 'Invented Authority', organisation: 'Invented Authority' } },
  })
  await services.certificates.uploadAuthorities('AUTH', certificateToPem(authority.certificate), MANAGER)
  await services.policies.installDefaults(MANAGER)

  return {
    ...{ state, services, datashare, objects, jobs, tokens, authority, app, callers },
    get now() {
      return time.now
    },
    set now(value) {
      time.now = value
    },
    call: async (method, path, { token, headers, body } = {}) =>
      app.fetch(
        new Request(new URL(path, LISTENER_URL), {
          ...{ method, headers: { ...headers, ...(token && { authorization: `Bearer ${token}` }) } },
          ...(body === undefined ? {} : { body }),
        }),
        { origin: { sealed: false, remoteAddress: '192.0.2.7', secure: true } },
      ),
    async audit(action) {
      const { items } = await state.audit.list(action === undefined ? {} : { action }, { limit: 500 })
      return [...items].reverse()
    },
    async partner(id, type, { key = 2, groupId, organisation = `${id} Ltd`, profile } = {}) {
      await services.partners.register(
        { id, type, organisation, ...(groupId && { groupId }), ...(profile && { profile }) },
        MANAGER,
      )
      const holder = await testHolder(key, { issuedBy: authority, subject: { commonName: id, organisation } })
      await services.certificates.uploadCertificate(id, certificateToPem(holder.certificate), MANAGER)
      const partner = await services.partners.setActive(id, true, 'a test', MANAGER)
      return { partner, holder }
    },
    async subscribe(partnerId, policyId) {
      const asked = await services.partners.requestPolicy({ partnerId, policyId, purpose: 'a test' }, MANAGER)
      await services.partners.decideSubscription(asked.id, { approve: true, reason: 'a test' }, MANAGER)
      return asked.id
    },
    async dispose() {
      objects.close()
      await states.dispose()
    },
  }
}

/** An x-wing key that the partner's certificate key signed, registered. @returns its private key. */
export async function registerEncryptionKey(fixture: PartnerFixture, { partner, holder }: TestPartner) {
  const pair = await backend.kem.generateKeyPair('x-wing')
  const statement = await signEncryptionKey(holder.signer, partner.id, pair.publicKey.bytes)
  await fixture.services.partners.setEncryptionKey(partner.id, statement, MANAGER)
  return pair.privateKey
}

/** The path of a share's address. */
export function pathOf(url: string): string {
  return new URL(url).pathname
}
