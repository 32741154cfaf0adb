import { setTimeout } from 'node:timers/promises'
import { backend, fromBase64url } from '../../packages/crypto/src/node/index.ts'
import {
  buildKeyhavenPacket,
  buildPacket,
  type Certificate,
  certificateToPem,
  createRelyingParty,
  type PacketInput,
  type PartnerType,
  type Profile,
  parseCertificate,
  type Recipient,
  type RelyingParty,
  signEncryptionKey,
  softwareMachineKey,
} from '../../packages/identity/src/index.ts'
import {
  createSimulatedDevice,
  createSimulatedTrust,
  type SimulatedDevice,
  type SimulatedTrust,
  simulatedRegistration,
} from '../../packages/identity/src/simulator/index.ts'
import { type TestHolder, testHolder, testKey } from '../../packages/identity/test/kit/test-keys.ts'
import { useTestKeys } from '../../packages/identity/test/kit/use-test-keys.ts'
import type { Engine } from './engines.ts'
import { pemOfKey } from './identity-authentication.ts'
import { TEST_ADMIN_TOKEN } from './server-process.ts'
import { startTestServer, type TestServer } from './test-server.ts'

export const STATION = { centreId: '10001', machineId: '10077' }
const REF_ID = '10001_10077'
const OFFICER = 'officer-1'
const IDA_PARTNER = 'mpartner-default-auth'
const AUTH_POLICY = 'mpolicy-default-auth'
const BANK_POLICY = 'mpolicy-default-relying-party'
const WAIT_MS = 20
const PATIENCE_MS = 40_000
const MACHINE_KEY = 2
const REASON = 'for a test'
export const SYSTEM_ENV = 'Staging'
export const SYSTEM_DOMAIN = 'https://bank.example'

export interface Enrolled {
  readonly rid: string
  readonly seed: string
  readonly uin: string
  readonly vid: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Main server, IDA and (profile `keyhaven`) oblivious PRF, set up as operators do it, talking over HTTP. */
export interface IdentitySystem {
  readonly main: TestServer
  readonly ida: TestServer
  readonly oprf: TestServer | undefined
  readonly devices: SimulatedTrust
  /** Registers a made-up person by a packet and waits until IDA knows the UIN and a VID. */
  enrol(seed: string, sequence: number): Promise<Enrolled>
  /** A relying party with its own certificate, policy and API key. */
  bank(id: string): Promise<RelyingParty>
  device(type: 'Finger' | 'Face'): Promise<SimulatedDevice>
  /** A certificate that IDA gives out. */
  idaRecipient(refId: string): Promise<Recipient>
  /** Waits until `look` finds something. */
  until<T>(what: string, look: () => Promise<T | undefined>): Promise<T>
  dispose(): Promise<void>
}

export async function startIdentitySystem(engine: Engine, profile: Profile): Promise<IdentitySystem> {
  const stopTestKeys = useTestKeys()
  const servers: TestServer[] = []
  const start = async (env: Readonly<Record<string, string>>): Promise<TestServer> => {
    const server = await startTestServer(engine, {
      ...{ KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0', KEYHAVEN_IDENTITY_PROFILE: profile },
      ...env,
    })
    servers.push(server)
    return server
  }
  const dispose = async () => {
    for (const server of servers) await server.dispose()
    stopTestKeys()
  }
  try {
    return await setUp(profile, start, dispose)
  } catch (error) {
    await dispose()
    throw error
  }
}

async function setUp(
  profile: Profile,
  start: (env: Readonly<Record<string, string>>) => Promise<TestServer>,
  dispose: () => Promise<void>,
): Promise<IdentitySystem> {
  // The oblivious PRF trusts the main server, which asks it: so it is told of it a moment later.
  const oprf =
    profile === 'keyhaven' ? await start({ KEYHAVEN_ROLE: 'oprf', KEYHAVEN_IDA_PARTNER: 'oprf' }) : undefined
  const oprfEnv = oprf && { KEYHAVEN_OPRF_URL: oprf.identityUrl!, KEYHAVEN_OPRF_TOKEN: TEST_ADMIN_TOKEN }
  const main = await start({ KEYHAVEN_WEBHOOKS_PRIVATE: 'on', ...oprfEnv })
  const ida = await start({ KEYHAVEN_ROLE: 'ida', KEYHAVEN_ISSUER_URL: main.identityUrl!, ...oprfEnv })
  const call = async (server: TestServer, method: string, path: string, body?: unknown) => {
    const answer = await server.admin(method, path, body)
    if (answer.status < 300) return answer.body
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
  const manage = (method: string, path: string, body?: unknown) =>
    call(main, method, `/applications/demo/identity${path}`, body)

  const register = async (
    id: string,
    type: PartnerType,
    more: {
      readonly organisation: string
      readonly pem?: string
      readonly webhook?: string
      readonly groupId?: string
    },
  ) => {
    const { organisation, groupId } = more
    await manage('POST', '/partners', { id, type, organisation, ...(groupId && { groupId }), profile })
    if (more.pem) await manage('POST', `/partners/${id}/certificate`, { pem: more.pem })
    if (more.webhook) await manage('POST', `/partners/${id}/webhook`, { url: more.webhook })
    await manage('POST', `/partners/${id}/state`, { active: true, reason: REASON })
  }
  const subscribe = async (partnerId: string, policyId: string) => {
    const asked = await manage('POST', '/subscriptions', { partnerId, policyId, purpose: REASON })
    await manage('POST', `/subscriptions/${asked.id}/decide`, { approve: true, reason: REASON })
  }
  const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
    const end = Date.now() + PATIENCE_MS
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      if (Date.now() > end) throw new Error(`waited in vain: ${what}`)
      await setTimeout(WAIT_MS)
    }
  }

  const authority = await testHolder(3, {
    ca: true,
    subject: { commonName: 'Partner CA', organisation: 'Invented CA' },
  })
  const devices = await createSimulatedTrust(backend, { at: Date.now() - 60_000 })
  await manage('POST', '/policies/defaults')
  for (const [domain, certificates] of [
    ['AUTH', [authority.certificate]],
    ['DEVICE', devices.anchors.device],
    ['FTM', devices.anchors.ftm],
  ] as const) {
    await manage('POST', '/authorities', { domain, pem: certificates.map(certificateToPem).join('') })
  }
  if (oprf) {
    const { certificate } = await certificateOf(
      main.identityUrl!,
      '/v1/keymanager/getCertificate',
      'ROOT',
      '',
    )
    await call(oprf, 'PUT', '/identity/authentication/issuer', { certificate: certificateToPem(certificate) })
    const webhook = `${oprf.identityUrl}/idauthentication/v1/callback/events`
    await register('oprf', 'Online_Verification_Partner', {
      ...{ organisation: 'Invented PRF', webhook, groupId: 'mpolicygroup-default-auth' },
    })
  }
  await until('the IDA has pinned its issuer', async () =>
    (await call(ida, 'GET', '/identity/authentication')).issuer === null ? undefined : true,
  )
  await joinIda(main, ida, profile, manage, call, register, subscribe)

  await manage('POST', '/centres', { id: STATION.centreId, name: 'Invented Town Hall' })
  const machine = await openMachine(main, profile)
  const { publicKey } = machine
  await manage('POST', '/machines', { centre: STATION.centreId, id: STATION.machineId, publicKey })
  await manage('POST', '/officers', { officer: OFFICER })
  await register('misp-1', 'MISP_Partner', {
    ...(await certified(authority, 'Invented Network')),
    groupId: MISP_POLICY.groupId,
  })
  await manage('POST', '/policies', MISP_POLICY)
  await manage('POST', `/policies/${MISP_POLICY.id}/publish`, { validUntil: null })
  await subscribe('misp-1', MISP_POLICY.id)
  const licence = await manage('POST', '/partners/misp-1/licences', {})

  return {
    ...{ main, ida, oprf, devices, until, dispose },

    async enrol(seed, sequence) {
      const at = Date.now()
      const { input, person } = simulatedRegistration(seed, {
        station: STATION,
        sequence,
        at,
        officerId: OFFICER,
      })
      const packet = await machine.build(input, at)
      const form = new FormData()
      form.append('file', new Blob([packet.bytes]), packet.fileName)
      const headers = { authorization: `Bearer ${TEST_ADMIN_TOKEN}` }
      const receiver = '/registrationprocessor/v1/packetreceiver/registrationpackets'
      const sent = await fetch(`${main.identityUrl}${receiver}`, { method: 'POST', body: form, headers })
      if (!sent.ok) throw new Error(`the packet was refused: ${await sent.text()}`)
      const { rid } = input
      await until(`registration ${rid}`, async () => {
        const { stage, reason } = await manage('GET', `/registrations/${rid}`)
        if (stage === 'REJECTED') throw new Error(`rejected: ${reason}`)
        return stage === 'CREDENTIALS_ISSUED' ? true : undefined
      })
      const { vid } = await manage('POST', `/registrations/${rid}/vids`, { type: 'Perpetual' })
      const read = await fetch(`${main.identityUrl}/idrepository/v1/vid/${vid}`, { headers })
      const { UIN: uin } = ((await read.json()) as { response: { UIN: string } }).response
      return { rid, seed, uin, vid, fields: { ...person.fields } }
    },

    async bank(id) {
      const own = await certified(authority, `Invented ${id}`)
      await register(id, 'Auth_Partner', { ...own, groupId: 'mpolicygroup-default-relying-party' })
      await subscribe(id, BANK_POLICY)
      const kem = await backend.kem.generateKeyPair('x-wing')
      if (profile === 'keyhaven') {
        const signer = { ...own.holder.signer, chain: [authority.certificate] }
        const statement = await signEncryptionKey(signer, id, kem.publicKey.bytes)
        await manage('POST', `/partners/${id}/encryption-key`, { statement })
      }
      const { key: apiKey } = await manage('POST', `/partners/${id}/api-keys`, {
        policyId: BANK_POLICY,
        label: 'a',
      })
      await until('the IDA knows the partner’s key', async () => {
        const { items } = await call(ida, 'GET', '/identity/authentication/partners')
        return items.find((one: { id: string; apiKeys: number }) => one.id === id && one.apiKeys === 1)
      })
      const root = await certificateOf(
        ida.identityUrl!,
        '/idauthentication/v1/internal/getCertificate',
        'ROOT',
        '',
      )
      return createRelyingParty({
        ...{ url: ida.identityUrl!, profile, partnerId: id, apiKey, licenceKey: licence.key },
        ...{ certificate: own.pem, privateKey: await pemOfKey(own.holder) },
        ...{ idaRoots: certificateToPem(root.certificate), env: SYSTEM_ENV, domainUri: SYSTEM_DOMAIN },
        encryptionKey: await backend.kem.exportPrivateKey(kem.privateKey),
      })
    },

    device: (type) =>
      createSimulatedDevice(backend, {
        trust: devices,
        type,
        level: 'L1',
        serialNo: 'serial-1',
        now: Date.now,
      }),

    async idaRecipient(refId) {
      const path = '/idauthentication/v1/internal/getCertificate'
      return (await certificateOf(ida.identityUrl!, path, 'IDA', refId)).recipient
    },
  }
}

const MISP_POLICY = {
  id: 'mpolicy-misp',
  groupId: 'mpolicygroup-default-relying-party',
  name: 'mpolicy-misp',
  description: 'for a test',
  type: 'MISP',
  document: { allowAuthRequestDelegation: true, allowKycRequestDelegation: true },
}

/** What the operators of both do once: the IDA becomes a partner, its keys become known, the pool is made. */
async function joinIda(
  main: TestServer,
  ida: TestServer,
  profile: Profile,
  manage: (method: string, path: string, body?: unknown) => Promise<unknown>,
  // biome-ignore lint/suspicious/noExplicitAny: tests look at any member
  call: (server: TestServer, method: string, path: string, body?: unknown) => Promise<any>,
  register: (
    id: string,
    type: PartnerType,
    more: { organisation: string; pem?: string; webhook?: string; groupId?: string },
  ) => Promise<void>,
  subscribe: (partnerId: string, policyId: string) => Promise<void>,
): Promise<void> {
  const key = await call(ida, 'GET', '/identity/authentication/partner-key')
  const chain = (key.chain as string).split(/(?<=-----END CERTIFICATE-----\n)/).reverse()
  for (const pem of chain) await manage('POST', '/authorities', { domain: 'AUTH', pem })
  const [organisation = ''] = parseCertificate(key.certificate as string).organisations
  await register(IDA_PARTNER, 'Online_Verification_Partner', {
    ...{ organisation, pem: key.certificate, groupId: 'mpolicygroup-default-auth' },
    webhook: `${ida.identityUrl}/idauthentication/v1/callback/events`,
  })
  if (profile === 'keyhaven') {
    await manage('POST', `/partners/${IDA_PARTNER}/encryption-key`, { statement: key.encryptionKey })
  }
  await subscribe(IDA_PARTNER, AUTH_POLICY)
  const path = '/idauthentication/v1/internal/getCertificate'
  const { certificate } = await certificateOf(ida.identityUrl!, path, 'IDA', 'CRED_SERVICE')
  await call(main, 'POST', '/identity/vault/recipients', {
    partner: IDA_PARTNER,
    certificate: certificateToPem(certificate),
  })
  await call(main, 'POST', '/identity/vault/pool')
}

interface Machine {
  /** As it is registered. */
  readonly publicKey: string
  build(input: PacketInput, at: number): Promise<{ fileName: string; bytes: Uint8Array<ArrayBuffer> }>
}

/** The registration machine of a profile: what it signs with, and whom it seals packets for. */
async function openMachine(main: TestServer, profile: Profile): Promise<Machine> {
  if (profile === 'mosip') {
    const machineKey = await softwareMachineKey(backend, await testKey(MACHINE_KEY))
    return {
      publicKey: Buffer.from(machineKey.publicKeySpki).toString('base64'),
      async build(input, at) {
        const path = '/v1/keymanager/getCertificate'
        const { recipient } = await certificateOf(main.identityUrl!, path, 'REGISTRATION', REF_ID)
        const { fileName, bytes } = await buildPacket(backend, input, { machineKey, recipient }, { at })
        return { fileName, bytes: Uint8Array.from(bytes) }
      },
    }
  }
  const signer = await backend.signatures.generateKeyPair('EdDSA')
  const jwk = JSON.stringify(signer.publicKey.jwk)
  return {
    publicKey: Buffer.from(jwk).toString('base64'),
    async build(input, at) {
      const headers = { authorization: `Bearer ${TEST_ADMIN_TOKEN}` }
      const answer = await fetch(`${main.identityUrl}/v1/identity/machines/${REF_ID}`, { headers })
      const { packetKey } = (await answer.json()) as { packetKey: string }
      const recipient = await backend.kem.importPublicKey('x-wing', fromBase64url(packetKey))
      const { fileName, stream } = await buildKeyhavenPacket(backend, input, { signer, recipient }, { at })
      const pieces: Uint8Array[] = []
      for await (const piece of stream) pieces.push(piece)
      return { fileName, bytes: new Uint8Array(Buffer.concat(pieces)) }
    },
  }
}

async function certified(
  authority: TestHolder,
  organisation: string,
): Promise<{ organisation: string; pem: string; holder: TestHolder }> {
  const holder = await testHolder(4, {
    issuedBy: authority,
    subject: { commonName: organisation, organisation },
  })
  return { organisation, pem: certificateToPem(holder.certificate), holder }
}

async function certificateOf(
  url: string,
  path: string,
  applicationId: string,
  referenceId: string,
): Promise<{ readonly certificate: Certificate; readonly recipient: Recipient }> {
  const query = new URLSearchParams({ applicationId, referenceId })
  const headers = { authorization: `Bearer ${TEST_ADMIN_TOKEN}` }
  const answer = await fetch(`${url}${path}?${query}`, { headers })
  const { response, errors } = (await answer.json()) as {
    response: { certificate: string } | null
    errors: unknown
  }
  if (response === null) throw new Error(`${applicationId}/${referenceId}: ${JSON.stringify(errors)}`)
  const certificate = parseCertificate(response.certificate)
  const { thumbprint, publicKey } = certificate
  return { certificate, recipient: { thumbprint, publicKey } }
}
