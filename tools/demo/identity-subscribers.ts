import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { backend, type CryptoBackend, openFailed } from '@keyhaven/crypto'
import {
  type EventModel,
  fromAnyBase64,
  type JwsTrust,
  openEvent,
  openHybrid,
  openShare,
  parseCertificate,
  READ_PROOF_HEADER,
  SHARE_SIGNATURE_HEADER,
  signRead,
  verifyShare,
} from '@keyhaven/identity'
import { issuerTrust } from '@keyhaven/identity/service'
import { rootOf } from './identity-partners.ts'
import type { Holder } from './identity-people.ts'
import { APPLICATION, type IdentityScene, signIn } from './identity-scene.ts'

/** A partner's own server: keeps the events that come, and reads the shares that they name. */
export interface Subscriber {
  readonly holder: Holder
  readonly url: string
  /** As they came, with their signatures. */
  readonly received: readonly { readonly body: Uint8Array; readonly signature: string }[]
  close(): Promise<void>
}

export async function startSubscriber(holder: Holder): Promise<Subscriber> {
  const received: { body: Uint8Array; signature: string }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ body: Buffer.concat(chunks), signature: String(request.headers.signature) })
      response.writeHead(200).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    ...{ holder, received },
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export interface ReadShare {
  readonly status: number
  /** Opened and verified. */
  readonly data: Uint8Array | undefined
  /** As it passed the wire. */
  readonly bytes: Uint8Array
}

/** Whoever reads for a partner. */
export interface Reader {
  /** Verifies that the issuer has signed it for this partner. */
  open(event: Subscriber['received'][number]): Promise<EventModel>
  read(url: string): Promise<ReadShare>
}

/** @param as - reads in this partner's name: its own, or one that tries. */
export async function readerOf(scene: IdentityScene, as: Holder): Promise<Reader> {
  const root = parseCertificate(await rootOf(scene.main))
  const trust = issuerTrust(async () => root, Date.now)
  const token = await signIn(scene, 'grace', 'partner', as.organisation)
  return {
    open: (event) => openEvent(backend, { ...event, partnerId: as.name }, trust),
    async read(url) {
      const authorization = { authorization: `Bearer ${token}` }
      const proof = async () => ({
        [READ_PROOF_HEADER]: await signRead(as.signer, url, {
          ...{ partnerId: as.name, nonce: randomBytes(16).toString('base64url'), issuedAt: Date.now() },
        }),
      })
      const headers = scene.profile === 'keyhaven' ? await proof() : authorization
      const answer = await fetch(url, { headers })
      const bytes = new Uint8Array(await answer.arrayBuffer())
      if (answer.headers.get('content-type') !== 'application/octet-stream') {
        return { status: answer.status, bytes, data: undefined }
      }
      const opened =
        scene.profile === 'keyhaven'
          ? await openSealed(backend, as, url, bytes, trust)
          : await openLayout(as, bytes, answer.headers.get(SHARE_SIGNATURE_HEADER) ?? '', trust)
      return { status: answer.status, bytes, data: opened }
    },
  }
}

async function openLayout(as: Holder, bytes: Uint8Array, jwt: string, trust: JwsTrust): Promise<Uint8Array> {
  const opener = {
    open: async (_thumbprint: Uint8Array | undefined, wrapped: Uint8Array) =>
      backend.rsa.decryptOaep(as.key, wrapped),
  }
  const data = await openHybrid(backend, opener, fromAnyBase64(Buffer.from(bytes).toString()))
  await verifyShare(backend, { jwt, data, keyId: as.name }, trust)
  return data
}

async function openSealed(
  crypto: CryptoBackend,
  as: Holder,
  url: string,
  bytes: Uint8Array,
  trust: JwsTrust,
): Promise<Uint8Array> {
  const [policyId, partnerId, key] = url.split('/').slice(-3)
  if (partnerId !== as.name) throw openFailed()
  const binding = { applicationId: APPLICATION, partnerId, policyId: policyId!, key: key! }
  return (await openShare(crypto, as.kem.privateKey, bytes, binding, trust)).data
}
