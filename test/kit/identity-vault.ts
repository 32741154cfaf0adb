import { createHash } from 'node:crypto'
import {
  backend,
  type KemKeyPair,
  KeyhavenError,
  toBase64url,
  utf8,
} from '../../packages/crypto/src/node/index.ts'
import { sealShare } from '../../packages/identity/src/datashare/sealed-share.ts'
import {
  createOprfClient,
  createOprfHttp,
  filterAttributes,
  fromAnyBase64,
  type IdentityKeys,
  type JwsSigner,
  KERNEL_SIGN,
  type OprfClient,
  openHybrid,
  openShare,
  type PartnerSignedRequest,
  type Profile,
  parsePolicy,
  sealLayoutC,
  signEvent,
} from '../../packages/identity/src/index.ts'
import { DEFAULT_POLICIES } from '../../packages/identity/src/policy/default-policies.ts'
import {
  type CredentialOrder,
  createEventPublisher,
  type Datashare,
  type IdaVault,
  type PartnerDecision,
  type SignedEvent,
} from '../../packages/identity/src/service/index.ts'
import {
  simulatedMatcher,
  simulatedPerson,
  simulatedRecord,
} from '../../packages/identity/src/simulator/index.ts'
import { type TestHolder, testHolder } from '../../packages/identity/test/kit/test-keys.ts'
import { useTestKeys } from '../../packages/identity/test/kit/use-test-keys.ts'
import {
  type Credentials,
  createCredentials,
} from '../../packages/server/src/identity/credentials/create-credentials.ts'
import { createEventStore } from '../../packages/server/src/identity/events/event-store.ts'
import { createIdentityKeys } from '../../packages/server/src/identity/keys/create-identity-keys.ts'
import { createLocalModuleKeys } from '../../packages/server/src/identity/keys/local-module-keys.ts'
import { createServedOprf, type ServedOprf } from '../../packages/server/src/identity/oprf/create-oprf.ts'
import { addOprfRoutes } from '../../packages/server/src/identity/oprf/oprf-routes.ts'
import { createOprfKeyMemory } from '../../packages/server/src/identity/oprf/oprf-store.ts'
import {
  CRED_SERVICE,
  createIssuerVault,
  type IssuerVaultService,
} from '../../packages/server/src/identity/vault/create-issuer-vault.ts'
import { createServerIdaVault } from '../../packages/server/src/identity/vault/create-server-ida-vault.ts'
import { createApp } from '../../packages/server/src/platform/http/create-app.ts'
import { createJobs } from '../../packages/server/src/platform/jobs/jobs.ts'
import { createLogger } from '../../packages/server/src/platform/log/logger.ts'
import type { State } from '../../packages/server/src/platform/state/state.ts'
import { createStateFixture, type Engine, type StateFixture } from './engines.ts'

export const APPLICATION = 'demo'
export const IDA_PARTNER = 'mpartner-default-auth'
export const AUTH_POLICY = 'mpolicy-default-auth'
const CAPTURED_AT = Date.UTC(2026, 2, 1, 9, 30)
const OPRF_URL = 'http://oprf.invalid'

/** Issuer, IDA and oblivious PRF, each with a database of its own; time stands until it is moved. */
export interface VaultWorld {
  readonly profile: Profile
  /** `KEYHAVEN_*` for processes that shall go on with these databases; the third only in profile `keyhaven`. */
  readonly envs: {
    readonly main: StateFixture['env']
    readonly ida: StateFixture['env']
    readonly oprf: StateFixture['env'] | undefined
  }
  readonly main: State
  readonly ida: State
  readonly keys: { readonly main: IdentityKeys; readonly ida: IdentityKeys }
  readonly issuer: IssuerVaultService
  readonly credentials: Credentials
  readonly idaVault: IdaVault
  /** Only in profile `keyhaven`. */
  readonly oprf:
    | { readonly server: ServedOprf; readonly state: State; client(of: State): OprfClient }
    | undefined
  /** Shares by address, as a partner reads them. */
  readonly shares: ReadonlyMap<string, Uint8Array>
  /** Opens a share as the IDA does (PK8). */
  openShare(share: Uint8Array): Promise<Uint8Array>
  readonly failures: unknown[]
  now(): number
  advance(ms: number): void
  /** Orders a credential and issues it. @returns its event as it is delivered, and its share. */
  issue(id: string, over?: Partial<CredentialOrder>): Promise<{ event: SignedEvent; share: Uint8Array }>
  /** {@link issue}, and imports it at the IDA. */
  enrol(id: string, over?: Partial<CredentialOrder>): Promise<void>
  /** The newest event of the outbox, signed as a webhook is. */
  lastEvent(): Promise<SignedEvent>
  sign(body: Uint8Array): Promise<SignedEvent>
  /** A request that a partner has signed, as the IDA hands it to the oblivious PRF. */
  partnerRequest(signer?: JwsSigner): Promise<PartnerSignedRequest>
  setPolicy(refuse: boolean): void
  dispose(): Promise<void>
}

/** Who a number stands for: made up from it. */
export function personOf(id: string) {
  const { fields } = simulatedPerson(`person ${id}`)
  const record = simulatedRecord(id, 'enrolment', CAPTURED_AT)
  const chosen = record.birs.filter(
    ({ type, subtypes }) => type === 'Face' || subtypes.join(' ') === 'Left Thumb',
  )
  return {
    identity: fields as unknown as Record<string, unknown>,
    biometrics: { individualBiometrics: { birs: chosen } },
  }
}

export async function openVaultWorld(engine: Engine, profile: Profile): Promise<VaultWorld> {
  const stop = useTestKeys()
  const fixtures = await Promise.all(
    (profile === 'keyhaven' ? [1, 2, 3] : [1, 2]).map(() => createStateFixture(engine)),
  )
  let time = Date.now()
  const clock = () => time
  const [main, ida, third] = (await Promise.all(
    fixtures.map((fixture) => fixture.open({ schedule: false, clock })),
  )) as [State, State, State?]
  const keysOf = (state: State, role: 'main' | 'ida') =>
    createIdentityKeys({ state, applicationId: APPLICATION, profile, role, clock })
  const keys = { main: keysOf(main, 'main'), ida: keysOf(ida, 'ida') }
  const signer = async (): Promise<JwsSigner> => ({
    sign: async (data) => (await keys.main.sign(KERNEL_SIGN, data)).signature,
    certificate: await keys.main.certificate(KERNEL_SIGN),
  })
  const issuerCertificate = await keys.main.certificate(KERNEL_SIGN)
  const trust = {
    trust: ([certificate]: readonly [{ thumbprint: Uint8Array }, ...unknown[]]) => {
      if (toBase64url(certificate.thumbprint) === toBase64url(issuerCertificate.thumbprint)) return
      throw new KeyhavenError('SIGNATURE_INVALID', 'not the issuer')
    },
  }
  const authority = await testHolder(3, {
    ca: true,
    subject: { commonName: 'Partner CA', organisation: 'Invented CA' },
  })
  const partner = await testHolder(4, { issuedBy: authority })

  const oprf = third && openOprf(third, clock, authority, trust)
  const issuer = createIssuerVault({
    ...{ state: main, applicationId: APPLICATION, profile, keys: keys.main, signer, clock },
    ...(oprf && { oprf: oprf.client(main) }),
  })
  const pk8 = await testHolder(5)
  const kem = await backend.kem.generateKeyPair('x-wing')
  const box = shareBox(profile, pk8, kem, signer, clock)
  let refuse = false
  const jobs = createJobs(main, clock)
  const credentials = createCredentials({
    ...{
      state: main,
      applicationId: APPLICATION,
      keys: keys.main,
      signer,
      jobs,
      clock,
      issuer: 'Invented Country',
    },
    events: createEventPublisher(createEventStore(main, APPLICATION, jobs), () => crypto.randomUUID()),
    vault: issuer.vault,
    datashare: box.datashare,
    decisions: {
      decide: async () => {
        if (refuse) throw new KeyhavenError('POLICY_REFUSED', 'the partner is not active')
        return decision(pk8)
      },
    },
    person: async (id) => personOf(id),
    token: async (id, of) => createHash('sha256').update(`${of} ${id}`).digest('hex'),
  })
  const failures: unknown[] = []
  const openIt = (share: Uint8Array) => box.open(share, trust)
  const idaVault = createServerIdaVault({
    ...{ state: ida, applicationId: APPLICATION, profile, partner: IDA_PARTNER, keys: keys.ida, clock },
    ...{ openShare: openIt, issuer: trust, onError: (error) => failures.push(error) },
    ...(oprf && { oprf: oprf.client(ida) }),
  })
  await issuer.recipients.add(IDA_PARTNER, (await keys.ida.certificate(CRED_SERVICE)).der, 'test')

  const sign = async (body: Uint8Array): Promise<SignedEvent> => ({
    body,
    signature: await signEvent(await signer(), body),
  })
  const lastEvent = async () => {
    const row = await main.db
      .selectFrom('identity_events')
      .select('body')
      .where('application_id', '=', APPLICATION)
      .orderBy('sequence', 'desc')
      .limit(1)
      .executeTakeFirstOrThrow()
    return sign(utf8(row.body))
  }
  let requests = 0
  const world: VaultWorld = {
    ...{ profile, main, ida, keys, issuer, credentials, idaVault, oprf, failures },
    envs: { main: fixtures[0]!.env, ida: fixtures[1]!.env, oprf: fixtures[2]?.env },
    shares: box.shares,
    openShare: openIt,
    now: clock,
    advance: (ms) => {
      time += ms
    },
    async issue(id, over = {}) {
      const requestId = over.requestId ?? `request-${requests++}`
      await credentials.request({
        ...{ requestId, id, idType: 'UIN', partner: IDA_PARTNER, policyId: AUTH_POLICY },
        ...{ credentialType: 'auth', ...over },
      })
      const { dataShareUri } = await credentials.issue(requestId)
      return { event: await lastEvent(), share: box.shares.get(dataShareUri)! }
    },
    async enrol(id, over) {
      const { event, share } = await world.issue(id, over)
      await idaVault.importCredential(event, share)
    },
    lastEvent,
    sign,
    async partnerRequest(by = partner.signer) {
      const input = utf8(`header.${toBase64url(utf8(`request ${requests++}`))}`)
      return {
        digest: await backend.sha256(input),
        signature: await by.sign(input),
        certificates: [by.certificate.der],
      }
    },
    setPolicy: (to) => {
      refuse = to
    },
    async dispose() {
      stop()
      for (const fixture of fixtures) await fixture.dispose()
    },
  }
  return world
}

function openOprf(
  state: State,
  clock: () => number,
  authority: TestHolder,
  issuer: Parameters<typeof createServedOprf>[0]['issuer'],
) {
  const server = createServedOprf({
    ...{ state, applicationId: APPLICATION, clock, issuer },
    moduleKeys: createLocalModuleKeys(state, APPLICATION, 'keyhaven'),
    partners: async () => ({
      ...{ asks: () => true, revoked: () => false },
      authorities: () => ({ anchors: [authority.certificate], intermediates: [] }),
    }),
  })
  const app = createApp(createLogger('silent'))
  addOprfRoutes(app, {
    oprf: server,
    caller: async (c) => {
      const token = c.req.header('authorization')
      if (token === undefined) throw new KeyhavenError('UNAUTHENTICATED', 'no token')
      return `token:${token.slice('Bearer '.length)}`
    },
  })
  const fetch = async (input: Parameters<typeof globalThis.fetch>[0], init?: RequestInit) =>
    app.fetch(new Request(input as string, init), {
      origin: { sealed: false, remoteAddress: '127.0.0.1', secure: false },
    })
  const client = (of: State): OprfClient =>
    createOprfClient({
      transport: createOprfHttp({ url: OPRF_URL, token: of === state ? 'own' : 'caller', fetch }),
      memory: createOprfKeyMemory(of, APPLICATION),
      clock,
    })
  return { server, state, client }
}

/** Shares as datashare protects them, without its counters: PK8 in profile `mosip`, HPKE in `keyhaven`. */
function shareBox(
  profile: Profile,
  pk8: TestHolder,
  kem: KemKeyPair,
  signer: () => Promise<JwsSigner>,
  clock: () => number,
) {
  const shares = new Map<string, Uint8Array>()
  let made = 0
  const binding = (key: string) => ({
    ...{ applicationId: APPLICATION, partnerId: IDA_PARTNER, policyId: AUTH_POLICY, key },
  })
  const datashare: Pick<Datashare, 'create' | 'filter'> = {
    filter: (policy, identity, biometrics) =>
      filterAttributes(policy, identity, biometrics, simulatedMatcher.extract),
    async create({ policyId, subscriberId, data }) {
      const key = 'key'
      const url = `http://datashare.invalid/get/${policyId}/${subscriberId}/${key}-${made++}`
      const facts = {
        ...binding(key),
        policyVersion: 1,
        filename: 'data',
        created: clock(),
        expires: clock() + 1,
      }
      shares.set(
        url,
        profile === 'mosip'
          ? utf8(toBase64url(await sealLayoutC(backend, pk8.recipient, data)))
          : await sealShare(backend, { signer: await signer(), publicKey: kem.publicKey.bytes }, facts, data),
      )
      return { url, validForInMinutes: 30, transactionsAllowed: 2, policyId, subscriberId }
    },
  }
  return {
    shares,
    datashare,
    open: async (share: Uint8Array, trust: Parameters<typeof openShare>[4]): Promise<Uint8Array> =>
      profile === 'mosip'
        ? openHybrid(backend, pk8.opener, fromAnyBase64(new TextDecoder().decode(share)))
        : (await openShare(backend, kem.privateKey, share, binding('key'), trust)).data,
  }
}

function decision(pk8: TestHolder): PartnerDecision {
  const { document } = DEFAULT_POLICIES.find(({ id }) => id === AUTH_POLICY)!
  const { body } = parsePolicy('DataShare', document, { unlimitedReads: false })
  return {
    partner: { id: IDA_PARTNER, type: 'Online_Verification_Partner' } as PartnerDecision['partner'],
    policy: { id: AUTH_POLICY, version: 1, body },
    certificate: { ...pk8.recipient, der: pk8.certificate.der },
  }
}
