import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { backend, type KemKeyPair, toBase64url } from '../../packages/crypto/src/node/index.ts'
import {
  certificateToPem,
  fromAnyBase64,
  type IdentityEvent,
  openEvent,
  openHybrid,
  openShare,
  type PartnerType,
  type Profile,
  READ_PROOF_HEADER,
  signEncryptionKey,
  signRead,
  verifyShare,
} from '../../packages/identity/src/index.ts'
import { issuerTrust } from '../../packages/identity/src/service/index.ts'
import { type TestHolder, testHolder } from '../../packages/identity/test/kit/test-keys.ts'
import type { IdentitySystem } from './identity-system.ts'
import { certificateOf } from './identity-system-parts.ts'
import { TEST_ADMIN_TOKEN } from './server-process.ts'

const REASON = 'for a test'

/** What came to a webhook. */
export interface ReceivedEvent {
  readonly body: Uint8Array<ArrayBuffer>
  readonly signature: string
  readonly topic: string
  readonly event: IdentityEvent
}

/** A webhook that keeps what comes. */
export interface Receiver {
  readonly url: string
  readonly received: readonly ReceivedEvent[]
  close(): Promise<void>
}

export async function openReceiver(): Promise<Receiver> {
  const received: ReceivedEvent[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Uint8Array.from(Buffer.concat(chunks))
      const { topic, event } = JSON.parse(Buffer.from(body).toString()) as ReceivedEvent
      received.push({ body, signature: String(request.headers.signature), topic, event })
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    received,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** A partner who is given data: its programs, with its keys. */
export interface SubscribedPartner extends Receiver {
  readonly id: string
  readonly holder: TestHolder
  /** Reads the share that an event names, as this partner. */
  read(uri: string): Promise<Response>
  /** Opens what was read, and verifies that the issuer signed it for this partner. */
  open(uri: string, answer: Response): Promise<Uint8Array>
  /** Verifies that the issuer sent it, to this partner. */
  verify(event: ReceivedEvent): Promise<void>
}

/** Registers a partner with certificate, webhook and policy. @param key - of the fixed test keys. */
export async function subscribedPartner(
  { main }: IdentitySystem,
  profile: Profile,
  {
    id,
    type,
    policyId,
    groupId,
    key,
  }: { id: string; type: PartnerType; policyId: string; groupId: string; key: number },
): Promise<SubscribedPartner> {
  const manage = async (path: string, body: unknown) => {
    const answer = await main.admin('POST', `/applications/demo/identity${path}`, body)
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const receiver = await openReceiver()
  const authority = await testHolder(3, {
    ...{ ca: true, subject: { commonName: `CA of ${id}`, organisation: 'Invented CA' } },
  })
  const organisation = `Invented ${id}`
  const holder = await testHolder(key, { issuedBy: authority, subject: { commonName: id, organisation } })
  await manage('/authorities', { domain: 'AUTH', pem: certificateToPem(authority.certificate) })
  await manage('/partners', { id, type, organisation, groupId, profile })
  await manage(`/partners/${id}/certificate`, { pem: certificateToPem(holder.certificate) })
  const kem = await backend.kem.generateKeyPair('x-wing')
  if (profile === 'keyhaven') {
    const statement = await signEncryptionKey(holder.signer, id, kem.publicKey.bytes)
    await manage(`/partners/${id}/encryption-key`, { statement })
  }
  await manage(`/partners/${id}/webhook`, { url: receiver.url })
  await manage(`/partners/${id}/state`, { active: true, reason: REASON })
  const asked = await manage('/subscriptions', { partnerId: id, policyId, purpose: REASON })
  await manage(`/subscriptions/${asked.id}/decide`, { approve: true, reason: REASON })
  const root = await certificateOf(main.identityUrl!, '/v1/keymanager/getCertificate', 'ROOT', '')
  const trust = issuerTrust(async () => root.certificate, Date.now)
  return {
    ...{ ...receiver, id, holder },
    verify: async ({ body, signature }) => {
      await openEvent(backend, { body, signature, partnerId: id }, trust)
    },
    async read(uri) {
      if (profile === 'mosip') return fetch(uri, { headers: { authorization: `Bearer ${TEST_ADMIN_TOKEN}` } })
      const nonce = toBase64url(backend.randomBytes(16))
      const proof = await signRead(holder.signer, uri, { partnerId: id, nonce, issuedAt: Date.now() })
      return fetch(uri, { headers: { [READ_PROOF_HEADER]: proof } })
    },
    async open(uri, answer) {
      const jwt = answer.headers.get('signature')
      const bytes = new Uint8Array(await answer.arrayBuffer())
      if (profile === 'keyhaven') return openAsKeyhaven(uri, bytes, kem, trust)
      const data = await openHybrid(backend, holder.opener, fromAnyBase64(new TextDecoder().decode(bytes)))
      await verifyShare(backend, { jwt: jwt!, data, keyId: id }, trust)
      return data
    },
  }
}

async function openAsKeyhaven(
  uri: string,
  bytes: Uint8Array,
  kem: KemKeyPair,
  trust: ReturnType<typeof issuerTrust>,
): Promise<Uint8Array> {
  const [key, partnerId, policyId] = new URL(uri).pathname.split('/').map(decodeURIComponent).reverse()
  const binding = { applicationId: 'demo', policyId: policyId!, partnerId: partnerId!, key: key! }
  return (await openShare(backend, kem.privateKey, bytes, binding, trust)).data
}
