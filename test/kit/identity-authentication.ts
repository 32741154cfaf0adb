import { createHash, randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { backend, toBase64url } from '../../packages/crypto/src/node/index.ts'
import {
  type AuthPolicy,
  certificateToPem,
  createRelyingParty,
  keyName,
  type PartnerUpdate,
  type Profile,
  type RelyingParty,
  type RelyingPartyOptions,
} from '../../packages/identity/src/index.ts'
import {
  type AuthenticationService,
  type AuthenticationStore,
  createAuthenticationService,
  type OtpSender,
} from '../../packages/identity/src/service/index.ts'
import {
  createSimulatedDevice,
  createSimulatedTrust,
  type SimulatedDevice,
  type SimulatedTrust,
  simulatedMatcher,
} from '../../packages/identity/src/simulator/index.ts'
import { type TestHolder, testHolder } from '../../packages/identity/test/kit/test-keys.ts'
import { addAuthRoutes } from '../../packages/server/src/identity/authentication/auth-routes.ts'
import { addCertificateRoutes } from '../../packages/server/src/identity/authentication/certificate-routes.ts'
import { createAuthenticationStore } from '../../packages/server/src/identity/ida/authentication-store.ts'
import { deriveIdaSecrets } from '../../packages/server/src/identity/ida/ida-secrets.ts'
import { createPartnerKey } from '../../packages/server/src/identity/ida/partner-key.ts'
import { createRecordKeys } from '../../packages/server/src/identity/repository/record-keys.ts'
import { createTokenStore } from '../../packages/server/src/platform/auth/token-store.ts'
import type { AppEnv } from '../../packages/server/src/platform/http/call-origin.ts'
import { createApp } from '../../packages/server/src/platform/http/create-app.ts'
import { createLogger } from '../../packages/server/src/platform/log/logger.ts'
import type { Engine } from './engines.ts'
import { APPLICATION, IDA_PARTNER, openVaultWorld, type VaultWorld } from './identity-vault.ts'

export const IDA_URL = 'http://ida.invalid'
export const ENV = 'Staging'
export const DOMAIN_URI = 'https://bank.example'
export const ADMIN_TOKEN = 'kh_auth-tests-0123456789abcdefghijklmnop'
const YEAR_MS = 365 * 86_400_000
const ORGANISATION = 'Invented Bank'
export const POLICY_ID = 'policy-of-the-bank'
export const PARTNER_ID = 'bank-1'
export const MISP_ID = 'misp-1'
export const MISP_ORGANISATION = 'Invented Network'

/** Everything that a relying party may do. */
export const EVERYTHING: AuthPolicy = {
  authTokenType: 'partner',
  allowedAuthTypes: ['otp', 'otp-request', 'demo', 'bio', 'kyc'].map((authType) => ({
    ...{ authType, authSubType: '', mandatory: false },
  })),
  allowedKycAttributes: ['fullName', 'dateOfBirth', 'gender'].map((attributeName) => ({ attributeName })),
}

/** An IDA with people, a partner and devices, over a real store; time is that of the vault's world. */
export interface AuthWorld {
  readonly vault: VaultWorld
  readonly store: AuthenticationStore
  readonly service: AuthenticationService
  /** What was sent. */
  readonly otps: { readonly to: string; readonly otp: string }[]
  readonly faults: unknown[]
  readonly partner: TestHolder
  /** The network through which it calls. */
  readonly misp: TestHolder
  readonly authority: TestHolder
  readonly devices: SimulatedTrust
  /** Milliseconds that answers of the service took, newest last. */
  fetch(request: Request): Promise<Response>
  /** Tells the IDA of a partner, as an event does. */
  tell(change?: Partial<PartnerUpdate>): Promise<void>
  tellOfAuthorities(change?: { readonly revoked?: readonly string[] }): Promise<void>
  relyingParty(over?: Partial<RelyingPartyOptions>): Promise<RelyingParty>
  /** An L1 device before which somebody stands. */
  device(type: 'Finger' | 'Face'): Promise<SimulatedDevice>
  /** What the audit log has of answers, oldest first. */
  answers(): Promise<readonly { readonly actor: string; readonly detail: Record<string, unknown> }[]>
  dispose(): Promise<void>
}

export const LICENCE_KEY = 'licence-key-of-the-tests'
export const API_KEY = 'api-key-of-the-tests'

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export async function pemOfKey({ key }: TestHolder): Promise<string> {
  const pkcs8 = Buffer.from(await backend.rsa.exportPrivateKey(key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`
}

export async function openAuthWorld(engine: Engine, profile: Profile): Promise<AuthWorld> {
  const vault = await openVaultWorld(engine, profile)
  const clock = () => vault.now()
  const state = vault.ida
  const keys = vault.keys.ida
  await vault.issuer.vault.createPool('test')
  const authority = await testHolder(3, {
    ca: true,
    subject: { commonName: 'Partner CA', organisation: 'Invented CA' },
  })
  const partner = await testHolder(4, {
    issuedBy: authority,
    subject: { commonName: PARTNER_ID, organisation: ORGANISATION },
  })
  const misp = await testHolder(5, {
    issuedBy: authority,
    subject: { commonName: MISP_ID, organisation: MISP_ORGANISATION },
  })
  const devices = await createSimulatedTrust(backend, { at: clock() - 1_000 })
  const store = createAuthenticationStore(state, APPLICATION, clock)
  const secrets = await deriveIdaSecrets(await createRecordKeys(state, APPLICATION)(), APPLICATION)
  const otps: { to: string; otp: string }[] = []
  const faults: unknown[] = []
  const mail: OtpSender = {
    channel: 'EMAIL',
    send: async ({ to, otp }) => {
      otps.push({ to, otp })
    },
  }
  const service = await createAuthenticationService({
    ...{ application: APPLICATION, profile, store, vault: vault.idaVault, keys, secrets, clock },
    ...{ matcher: simulatedMatcher, rules: {}, senders: [mail] },
    monotonic: () => performance.now(),
    wait: async (milliseconds) => void (await setTimeout(milliseconds)),
    newId: randomUUID,
    onError: (error) => faults.push(error),
  })
  const tokens = createTokenStore(state, ADMIN_TOKEN, clock)
  const app = createApp<AppEnv>(createLogger('silent'))
  const partnerKey = createPartnerKey({
    ...{ state, applicationId: APPLICATION, partnerId: IDA_PARTNER, keys, secrets, clock },
  })
  addCertificateRoutes(app, { keys, partnerKey, partnerId: IDA_PARTNER, clock })
  addAuthRoutes(app, { service, tokens, clock })
  const origin = { sealed: false, remoteAddress: '127.0.0.1', secure: false } as const

  const kem = await backend.kem.generateKeyPair('x-wing')
  let sequence = 0
  const base = async (): Promise<PartnerUpdate> => ({
    sequence: ++sequence,
    partner: { id: PARTNER_ID, type: 'Auth_Partner', organisation: ORGANISATION, profile, active: true },
    certificate: { der: toBase64url(partner.certificate.der), chain: [] },
    encryptionKey: profile === 'keyhaven' ? toBase64url(kem.publicKey.bytes) : null,
    policies: [{ id: POLICY_ID, version: 1, validUntil: null, type: 'Auth', body: EVERYTHING }],
    apiKeys: [{ hash: sha256Hex(API_KEY), policyId: POLICY_ID, active: true, expiresAt: clock() + YEAR_MS }],
    licences: [],
  })
  const world: AuthWorld = {
    ...{ vault, store, service, otps, faults, partner, misp, authority, devices },
    fetch: async (request) => app.fetch(request, { origin }),
    async tell(change = {}) {
      await store.savePartner({ ...(await base()), ...change })
    },
    async tellOfAuthorities({ revoked = [] } = {}) {
      const of = (domain: 'AUTH' | 'DEVICE' | 'FTM', ders: readonly Uint8Array[]) =>
        ders.map((der) => ({ domain, der: toBase64url(der), active: true }))
      await store.saveAuthorities({
        sequence: ++sequence,
        authorities: [
          ...of('AUTH', [authority.certificate.der]),
          ...of(
            'DEVICE',
            devices.anchors.device.map(({ der }) => der),
          ),
          ...of(
            'FTM',
            devices.anchors.ftm.map(({ der }) => der),
          ),
        ],
        revoked,
      })
    },
    async relyingParty(over = {}) {
      const root = await keys.certificate(keyName('ROOT'))
      return createRelyingParty({
        ...{ url: IDA_URL, profile, partnerId: PARTNER_ID, apiKey: API_KEY, licenceKey: LICENCE_KEY },
        ...{ certificate: certificateToPem(partner.certificate), privateKey: await pemOfKey(partner) },
        ...{ idaRoots: certificateToPem(root), env: ENV, domainUri: DOMAIN_URI, clock },
        encryptionKey: await backend.kem.exportPrivateKey(kem.privateKey),
        fetch: async (input, init) => world.fetch(new Request(input, init)),
        ...over,
      })
    },
    device: (type) =>
      createSimulatedDevice(backend, {
        trust: devices,
        type,
        level: 'L1',
        serialNo: randomUUID(),
        now: clock,
      }),
    async answers() {
      const { items } = await state.audit.list({ action: 'auth.answer' }, { limit: 200 })
      return items.map(({ actor, detail }) => ({ actor, detail: { ...detail } })).reverse()
    },
    dispose: () => vault.dispose(),
  }
  await world.tellOfAuthorities()
  await world.tell()
  await store.savePartner({
    sequence: ++sequence,
    partner: { id: MISP_ID, type: 'MISP_Partner', organisation: MISP_ORGANISATION, profile, active: true },
    certificate: { der: toBase64url(misp.certificate.der), chain: [] },
    ...{ encryptionKey: null, apiKeys: [] },
    policies: [
      {
        ...{ id: 'policy-of-the-misp', version: 1, validUntil: null, type: 'MISP' },
        body: { allowAuthRequestDelegation: true, allowKycRequestDelegation: true },
      },
    ],
    licences: [{ hash: sha256Hex(LICENCE_KEY), active: true, expiresAt: clock() + YEAR_MS }],
  })
  return world
}
