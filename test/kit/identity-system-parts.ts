import { backend, fromBase64url } from '../../packages/crypto/src/node/index.ts'
import {
  buildKeyhavenPacket,
  buildPacket,
  type Certificate,
  certificateToPem,
  type PacketInput,
  type PartnerType,
  type Profile,
  parseCertificate,
  type Recipient,
  softwareMachineKey,
} from '../../packages/identity/src/index.ts'
import { type TestHolder, testHolder, testKey } from '../../packages/identity/test/kit/test-keys.ts'
import { TEST_ADMIN_TOKEN } from './server-process.ts'
import type { TestServer } from './test-server.ts'

export const STATION = { centreId: '10001', machineId: '10077' }
const REF_ID = '10001_10077'
const AUTH_POLICY = 'mpolicy-default-auth'
const MACHINE_KEY = 2

/** What has to be known of a server, in this process or in one of its own. */
export type SystemServer = Pick<TestServer, 'identityUrl' | 'admin' | 'dispose'>
/** What the operators of both do once: the IDA becomes a partner, and its keys become known. */
export async function joinIda({
  main,
  ida,
  partnerId,
  profile,
  manage,
  call,
  register,
  subscribe,
}: {
  readonly main: SystemServer
  readonly ida: SystemServer
  readonly partnerId: string
  readonly profile: Profile
  readonly manage: (method: string, path: string, body?: unknown) => Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: tests look at any member
  readonly call: (server: SystemServer, method: string, path: string, body?: unknown) => Promise<any>
  readonly register: (
    id: string,
    type: PartnerType,
    more: { organisation: string; pem?: string; webhook?: string; groupId?: string },
  ) => Promise<void>
  readonly subscribe: (partnerId: string, policyId: string) => Promise<void>
}): Promise<void> {
  const key = await call(ida, 'GET', '/identity/authentication/partner-key')
  const chain = (key.chain as string).split(/(?<=-----END CERTIFICATE-----\n)/).reverse()
  for (const pem of chain) await manage('POST', '/authorities', { domain: 'AUTH', pem })
  const [organisation = ''] = parseCertificate(key.certificate as string).organisations
  await register(partnerId, 'Online_Verification_Partner', {
    ...{ organisation, pem: key.certificate, groupId: 'mpolicygroup-default-auth' },
    webhook: `${ida.identityUrl}/idauthentication/v1/callback/events`,
  })
  if (profile === 'keyhaven') {
    await manage('POST', `/partners/${partnerId}/encryption-key`, { statement: key.encryptionKey })
  }
  await subscribe(partnerId, AUTH_POLICY)
  const path = '/idauthentication/v1/internal/getCertificate'
  const { certificate } = await certificateOf(ida.identityUrl!, path, 'IDA', 'CRED_SERVICE')
  await call(main, 'POST', '/identity/vault/recipients', {
    partner: partnerId,
    certificate: certificateToPem(certificate),
  })
}

export interface Machine {
  /** As it is registered. */
  readonly publicKey: string
  build(input: PacketInput, at: number): Promise<{ fileName: string; bytes: Uint8Array<ArrayBuffer> }>
}

/** The registration machine of a profile: what it signs with, and whom it seals packets for. */
export async function openMachine(main: SystemServer, profile: Profile): Promise<Machine> {
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

export async function certified(
  authority: TestHolder,
  organisation: string,
): Promise<{ organisation: string; pem: string; holder: TestHolder }> {
  const holder = await testHolder(4, {
    issuedBy: authority,
    subject: { commonName: organisation, organisation },
  })
  return { organisation, pem: certificateToPem(holder.certificate), holder }
}

export async function certificateOf(
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
