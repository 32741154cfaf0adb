import { setTimeout } from 'node:timers/promises'
import { backend } from '../../packages/crypto/src/node/index.ts'
import {
  certificateToPem,
  createRelyingParty,
  type PartnerType,
  type Profile,
  type Recipient,
  type RelyingParty,
  type RelyingPartyOptions,
  signEncryptionKey,
} from '../../packages/identity/src/index.ts'
import {
  createSimulatedDevice,
  createSimulatedTrust,
  type SimulatedDevice,
  type SimulatedTrust,
  simulatedRegistration,
} from '../../packages/identity/src/simulator/index.ts'
import { testHolder } from '../../packages/identity/test/kit/test-keys.ts'
import { useTestKeys } from '../../packages/identity/test/kit/use-test-keys.ts'
import type { Engine } from './engines.ts'
import { pemOfKey } from './identity-authentication.ts'
import {
  certificateOf,
  certified,
  joinIda,
  openMachine,
  STATION,
  type SystemServer,
} from './identity-system-parts.ts'
import { TEST_ADMIN_TOKEN } from './server-process.ts'
import { startTestServer, type TestServer } from './test-server.ts'

const OFFICER = 'officer-1'
const IDA_PARTNER = 'mpartner-default-auth'
const BANK_POLICY = 'mpolicy-default-relying-party'
const WAIT_MS = 20
const PATIENCE_MS = 120_000
const REASON = 'for a test'
const RECEIVER_PATH = '/registrationprocessor/v1/packetreceiver/registrationpackets'
/** Of MOSIP: the packet is here already. */
const HAS_ARRIVED = 'RPR-PKR-005'
export const SYSTEM_ENV = 'Staging'
export const SYSTEM_DOMAIN = 'https://bank.example'

export interface Enrolled {
  readonly rid: string
  readonly seed: string
  readonly uin: string
  readonly vid: string
  readonly fields: Readonly<Record<string, unknown>>
}

type StartServer<S> = (env: Readonly<Record<string, string>>) => Promise<S>

/** A made-up person's packet, as the machine of a station builds it. */
export interface MadePacket {
  readonly rid: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly fileName: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Main server, IDA and (profile `keyhaven`) oblivious PRF, set up as operators do it, talking over HTTP. */
export interface IdentitySystem<S extends SystemServer = TestServer> {
  readonly main: S
  readonly ida: S
  readonly oprf: S | undefined
  readonly devices: SimulatedTrust
  packet(seed: string, sequence: number): Promise<MadePacket>
  /**
   * Sends a packet once.
   *
   * @param url - another process of the main server than the one that is known.
   * @throws Error if it has not arrived whole, now or before.
   */
  upload(packet: MadePacket, url?: string): Promise<void>
  /** Registers a made-up person by a packet and waits until IDA knows the UIN and a VID. */
  enrol(seed: string, sequence: number): Promise<Enrolled>
  /**
   * A relying party with its own certificate, policy and API key.
   *
   * @param at - which IDA it asks.
   * @param over - what differs.
   */
  bank(id: string, at?: S, over?: Partial<RelyingPartyOptions>): Promise<RelyingParty>
  /** Makes another IDA a partner that gets everybody. */
  join(ida: S, partnerId: string): Promise<void>
  device(type: 'Finger' | 'Face'): Promise<SimulatedDevice>
  /** A certificate that IDA gives out. */
  idaRecipient(refId: string): Promise<Recipient>
  /** Waits until `look` finds something. */
  until<T>(what: string, look: () => Promise<T | undefined>): Promise<T>
  dispose(): Promise<void>
}

export function startIdentitySystem(engine: Engine, profile: Profile): Promise<IdentitySystem> {
  return setUpIdentitySystem(profile, (env) =>
    startTestServer(engine, {
      ...{ KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0', KEYHAVEN_IDENTITY_PROFILE: profile },
      ...env,
    }),
  )
}

/** @param startServer - starts one of the roles, by its settings. */
export async function setUpIdentitySystem<S extends SystemServer>(
  profile: Profile,
  startServer: StartServer<S>,
): Promise<IdentitySystem<S>> {
  const stopTestKeys = useTestKeys()
  const servers: S[] = []
  const start: StartServer<S> = async (env) => {
    const server = await startServer(env)
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

async function setUp<S extends SystemServer>(
  profile: Profile,
  start: StartServer<S>,
  dispose: () => Promise<void>,
): Promise<IdentitySystem<S>> {
  // The oblivious PRF trusts the main server, which asks it: so it is told of it a moment later.
  const oprf =
    profile === 'keyhaven' ? await start({ KEYHAVEN_ROLE: 'oprf', KEYHAVEN_IDA_PARTNER: 'oprf' }) : undefined
  const oprfEnv = oprf && { KEYHAVEN_OPRF_URL: oprf.identityUrl!, KEYHAVEN_OPRF_TOKEN: TEST_ADMIN_TOKEN }
  const main = await start({ KEYHAVEN_WEBHOOKS_PRIVATE: 'on', ...oprfEnv })
  const ida = await start({ KEYHAVEN_ROLE: 'ida', KEYHAVEN_ISSUER_URL: main.identityUrl!, ...oprfEnv })
  const call = async (server: SystemServer, method: string, path: string, body?: unknown) => {
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
  const join = (one: S, partnerId: string) =>
    joinIda({ main, ida: one, partnerId, profile, manage, call, register, subscribe })
  await join(ida, IDA_PARTNER)
  await call(main, 'POST', '/identity/vault/pool')

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

  const packet = async (seed: string, sequence: number): Promise<MadePacket> => {
    const at = Date.now()
    const { input, person } = simulatedRegistration(seed, {
      station: STATION,
      sequence,
      at,
      officerId: OFFICER,
    })
    return { rid: input.rid, fields: { ...person.fields }, ...(await machine.build(input, at)) }
  }
  const headers = { authorization: `Bearer ${TEST_ADMIN_TOKEN}` }
  const upload = async ({ bytes, fileName }: MadePacket, url = main.identityUrl) => {
    const form = new FormData()
    form.append('file', new Blob([bytes]), fileName)
    const sent = await fetch(`${url}${RECEIVER_PATH}`, { method: 'POST', body: form, headers })
    const text = await sent.text()
    if (!sent.ok) throw new Error(`the packet was refused: ${text}`)
    const { response, errors } = JSON.parse(text)
    const arrived = response?.status === 'PACKET_RECEIVED' || errors?.[0]?.errorCode === HAS_ARRIVED
    if (!arrived) throw new Error(`the packet was refused: ${text}`)
  }

  const banks = new Map<string, Promise<Bank>>()
  const openBank = async (id: string): Promise<Bank> => {
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
    const encryptionKey = await backend.kem.exportPrivateKey(kem.privateKey)
    return {
      ...{ partnerId: id, apiKey, certificate: own.pem, privateKey: await pemOfKey(own.holder) },
      encryptionKey,
    }
  }

  return {
    ...{ main, ida, oprf, devices, packet, upload, join, until, dispose },

    async enrol(seed, sequence) {
      const made = await packet(seed, sequence)
      await upload(made)
      const { rid, fields } = made
      await until(`registration ${rid}`, async () => {
        const { stage, reason } = await manage('GET', `/registrations/${rid}`)
        if (stage === 'REJECTED') throw new Error(`rejected: ${reason}`)
        return stage === 'CREDENTIALS_ISSUED' ? true : undefined
      })
      const { vid } = await manage('POST', `/registrations/${rid}/vids`, { type: 'Perpetual' })
      const read = await fetch(`${main.identityUrl}/idrepository/v1/vid/${vid}`, { headers })
      const { UIN: uin } = ((await read.json()) as { response: { UIN: string } }).response
      return { rid, seed, uin, vid, fields }
    },

    async bank(id, at = ida, over = {}) {
      const opened = banks.get(id) ?? openBank(id)
      banks.set(id, opened)
      const bank = await opened
      await until('the IDA knows the partner’s key', async () => {
        const { items } = await call(at, 'GET', '/identity/authentication/partners')
        return items.find((one: { id: string; apiKeys: number }) => one.id === id && one.apiKeys === 1)
      })
      const path = '/idauthentication/v1/internal/getCertificate'
      const root = await certificateOf(at.identityUrl!, path, 'ROOT', '')
      return createRelyingParty({
        ...{ ...bank, url: at.identityUrl!, profile, licenceKey: licence.key },
        ...{ idaRoots: certificateToPem(root.certificate), env: SYSTEM_ENV, domainUri: SYSTEM_DOMAIN },
        ...over,
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

type Bank = Pick<RelyingPartyOptions, 'partnerId' | 'apiKey' | 'certificate' | 'privateKey' | 'encryptionKey'>

const MISP_POLICY = {
  id: 'mpolicy-misp',
  groupId: 'mpolicygroup-default-relying-party',
  name: 'mpolicy-misp',
  description: 'for a test',
  type: 'MISP',
  document: { allowAuthRequestDelegation: true, allowKycRequestDelegation: true },
}
