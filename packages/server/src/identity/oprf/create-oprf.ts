import { backend, KeyhavenError } from '@keyhaven/crypto'
import {
  type Certificate,
  createOprfClient,
  createOprfHttp,
  type JwsTrust,
  keyName,
  type ModuleKeys,
  type OprfClient,
  type PartnerSignedRequest,
  parseCertificate,
  verifyChain,
  verifyJwt,
} from '@keyhaven/identity'
import type { OprfServer, PartnerSnapshot } from '@keyhaven/identity/service'
import { createOprfServer, ISSUANCE_ORDER_TYP } from '@keyhaven/identity/service'
import type { State } from '../../platform/state/state.ts'
import { createOprfKeyMemory, createOprfStore, type OprfStoreOptions } from './oprf-store.ts'
import { verifySignatureOfDigest } from './verify-partner-signature.ts'

/** Module key that wraps the keys of the oblivious PRF. */
export const OPRF_MODULE_KEY = keyName('OPRF', 'KEY')
const PRUNE_EVERY_MS = 3_600_000

export interface OprfServerParts extends OprfStoreOptions {
  readonly state: State
  readonly applicationId: string
  readonly moduleKeys: ModuleKeys
  /** Who may have somebody looked up, as it is known now, and the authorities above them. */
  readonly partners: () => Promise<Pick<PartnerSnapshot, 'asks' | 'authorities' | 'revoked'>>
  /** Accepts the issuer's signing certificate, and no other. */
  readonly issuer: JwsTrust
  readonly clock: () => number
}

export interface ServedOprf extends OprfServer {
  /** How often {@link prune} is due, in milliseconds. */
  readonly pruneEvery: number
  prune(): Promise<void>
}

/** The server of role `oprf`. */
export function createServedOprf(parts: OprfServerParts): ServedOprf {
  const { state, applicationId, moduleKeys, clock } = parts
  const store = createOprfStore(state, applicationId, parts)
  const server = createOprfServer({
    ...{ backend, application: applicationId, store, clock },
    masterKey: () => moduleKeys.ensure(OPRF_MODULE_KEY, 'aes-256', 1),
    verifyPartner: (request) => verifyPartner(parts, request),
    verifyIssuer: async (order) =>
      (await verifyJwt(backend, order, { ...parts.issuer, typ: ISSUANCE_ORDER_TYP })).payload,
  })
  return { ...server, pruneEvery: PRUNE_EVERY_MS, prune: () => store.prune(clock()) }
}

async function verifyPartner(
  { partners, clock }: OprfServerParts,
  { digest, signature, certificates }: PartnerSignedRequest,
): Promise<boolean> {
  const [leaf, ...sent] = certificates.map((der) => parseCertificate(der))
  const known = await partners()
  // Others under the same authorities are no relying parties: an IDA itself has such a certificate.
  if (leaf === undefined || !known.asks(leaf)) return false
  const { anchors, intermediates } = known.authorities('AUTH')
  const revoked = (certificate: Certificate) => known.revoked(certificate)
  try {
    await verifyChain(leaf, {
      ...{ intermediates: [...sent, ...intermediates], anchors, at: clock(), revoked, usage: 'sign' },
    })
  } catch (cause) {
    if (!(cause instanceof KeyhavenError) || cause.code !== 'CERTIFICATE_INVALID') throw cause
    throw new KeyhavenError('ACCESS_DENIED', `an order for the oblivious PRF: ${cause.message}`, { cause })
  }
  return verifySignatureOfDigest(leaf.publicKey.spki, signature, digest)
}

export interface OprfClientParts {
  readonly state: State
  readonly applicationId: string
  /** Without a slash at the end. */
  readonly url: string
  /** API token of this process at the oblivious PRF. */
  readonly token: string
  readonly clock: () => number
}

/** The client of issuer and IDA: it remembers the public keys that it has seen. */
export function createServerOprfClient({
  state,
  applicationId,
  url,
  token,
  clock,
}: OprfClientParts): OprfClient {
  return createOprfClient({
    transport: createOprfHttp({ url, token, fetch: globalThis.fetch }),
    memory: createOprfKeyMemory(state, applicationId),
    clock,
  })
}
