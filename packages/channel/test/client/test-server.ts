import {
  type ChannelOptions,
  createChannel,
  type ManifestKey,
  type PinnedKey,
  signDelegation,
  signManifest,
} from '@keyhaven/channel'
import {
  createGateway,
  createMemoryReplayStore,
  type Gateway,
  type GatewayKey,
  type GatewayOptions,
  type ReplayStore,
  type SealedHandler,
} from '@keyhaven/channel/gateway'
import { type AeadName, jwkThumbprint, type KemName, toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'

const AEAD: AeadName = 'aes-256-gcm'
const MANIFEST_LIFETIME_SECONDS = 3_600
const DELEGATION_LIFETIME_SECONDS = 30 * 86_400
export const SERVER_URL = 'https://server.test'
export const APPLICATION_ID = 'demo'
/** Long before any clock of a test, so that a store in memory accepts all dates. */
const STORE_STARTED_AT = 1

/** What stands between client and server; without one the network is honest. */
export type Attack = (request: Request, forward: (request: Request) => Promise<Response>) => Promise<Response>

/** A gateway with its keys and manifests behind a `fetch`, all in one process: real bytes, no socket. */
export interface TestServer {
  readonly gateway: Gateway
  readonly rootThumbprint: string
  /** What a client is given as its transport. */
  readonly fetch: typeof fetch
  /** Attempts that left a client. */
  readonly posts: number
  readonly manifestFetches: number
  /** `METHOD path` of each request that the handler ran. */
  readonly runs: readonly string[]
  attack: Attack | undefined
  handler: SealedHandler
  /** Milliseconds since the epoch. */
  now: number
  addKey(keyId: number, state?: GatewayKey['state']): Promise<PinnedKey>
  setState(keyId: number, state: GatewayKey['state']): void
  /** Signs a manifest of the keys as they are, and serves it from now on. `ends`: seconds by key id. */
  publish(position?: {
    epoch?: number
    sequence?: number
    lifetimeSeconds?: number
    ends?: Record<number, number>
  }): Promise<string>
  /** Serves this text as the manifest. */
  serve(manifest: string): void
  /** A client of manifests with the server's clock. */
  channel(options?: Partial<ChannelOptions>): ReturnType<typeof createChannel>
}

export interface TestServerOptions {
  readonly kem?: KemName
  readonly replay?: ReplayStore
  readonly gateway?: Partial<GatewayOptions>
}

/** @returns a server with one active key (id 1) and a published manifest (epoch 1, sequence 1). */
export async function createTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const kem = options.kem ?? 'x25519'
  const { signatures } = nodeBackend
  const rootKey = await signatures.generateKeyPair('EdDSA')
  const manifestKey = await signatures.generateKeyPair('EdDSA')
  const keys = new Map<number, GatewayKey>()
  const runs: string[] = []
  let manifest = ''
  let lastSequence = 0
  let posts = 0
  let manifestFetches = 0
  let now = Date.UTC(2026, 10, 20, 12)

  const gateway = createGateway({
    keys: {
      find: (_, keyId) => keys.get(keyId),
      keyConfigs: () => [],
    },
    handler: (request, context) => {
      const { pathname, search } = new URL(request.url)
      runs.push(`${request.method} ${pathname}${search}`)
      return server.handler(request, context)
    },
    replay: options.replay ?? burningStore(() => now),
    clock: () => now,
    backend: nodeBackend,
    ...options.gateway,
  })

  async function answer(request: Request): Promise<Response> {
    if (request.method === 'POST') return gateway(request, APPLICATION_ID)
    return new Response(manifest, { headers: { 'content-type': 'application/jose' } })
  }

  const server: TestServer = {
    gateway,
    rootThumbprint: await jwkThumbprint(nodeBackend, rootKey.publicKey.jwk),
    async fetch(input, init) {
      const request = new Request(input, init)
      request.signal.throwIfAborted()
      if (request.method === 'POST') posts++
      else manifestFetches++
      return server.attack === undefined ? answer(request) : server.attack(request, answer)
    },
    get posts() {
      return posts
    },
    get manifestFetches() {
      return manifestFetches
    },
    runs,
    attack: undefined,
    handler: echo,
    get now() {
      return now
    },
    set now(value) {
      now = value
    },
    async addKey(keyId, state = 'active') {
      const { publicKey, privateKey } = await nodeBackend.kem.generateKeyPair(kem)
      keys.set(keyId, { keyId, state, privateKey, aeads: [AEAD] })
      return { keyId, suite: { kem, aead: AEAD }, publicKey: toBase64url(publicKey.bytes) }
    },
    setState(keyId, state) {
      const { privateKey, ...key } = keys.get(keyId)!
      keys.set(keyId, state === 'revoked' ? { ...key, state } : { ...key, privateKey: privateKey!, state })
    },
    async publish({ epoch = 1, sequence = lastSequence + 1, lifetimeSeconds, ends } = {}) {
      lastSequence = sequence
      const issued = Math.floor(now / 1_000)
      const delegation = await signDelegation(nodeBackend, rootKey, {
        application: APPLICATION_ID,
        epoch,
        key: manifestKey.publicKey.jwk,
        issued,
        expires: issued + DELEGATION_LIFETIME_SECONDS,
      })
      const payload = {
        application: APPLICATION_ID,
        epoch,
        sequence,
        issued,
        expires: issued + (lifetimeSeconds ?? MANIFEST_LIFETIME_SECONDS),
        keys: manifestKeys(keys, ends),
      }
      manifest = await signManifest(nodeBackend, manifestKey, delegation, payload)
      return manifest
    },
    serve(text) {
      manifest = text
    },
    channel: (changes = {}) =>
      createChannel({
        url: SERVER_URL,
        applicationId: APPLICATION_ID,
        trust: { rootThumbprints: [server.rootThumbprint] },
        fetch: server.fetch,
        clock: () => now,
        monotonic: () => now,
        ...changes,
      }),
  }
  await server.addKey(1)
  await server.publish()
  return server
}

/** Newest first, as the server lists them. */
function manifestKeys(
  keys: ReadonlyMap<number, GatewayKey>,
  ends: Record<number, number> = {},
): ManifestKey[] {
  const listed: ManifestKey[] = []
  for (const { keyId, state, privateKey } of [...keys.values()].reverse()) {
    if (privateKey === undefined || (state !== 'active' && state !== 'retiring')) continue
    const publicKey = toBase64url(privateKey.publicKey.bytes)
    const key = { id: keyId, suite: { kem: privateKey.kem, aead: AEAD }, publicKey, state }
    const end = ends[keyId]
    listed.push(end === undefined ? key : { ...key, end })
  }
  return listed
}

/** Answers with what it received. */
async function echo(request: Request): Promise<Response> {
  const body = await request.text()
  return Response.json({
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    body,
  })
}

/** The code of the KeyhavenError, or the name of another error, that a promise is rejected with. */
export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error) => (typeof error.code === 'string' ? error.code : error.name),
  )
}

/** An unsealed refusal as the gateway writes it; anyone on the way can write it too. */
export function forgedProblem(status: number, code: string, type = `urn:keyhaven:error:${code}`): Response {
  return Response.json(
    { type, code, title: 'forged', status },
    { status, headers: { 'content-type': 'application/problem+json' } },
  )
}

export const OHTTP_KEY_TYPE = 'https://iana.org/assignments/http-problem-types#ohttp-key'

/** As a key server has it: what it burned outlives a restart. */
function burningStore(clock: () => number): ReplayStore {
  const memory = createMemoryReplayStore(clock, { refusesBefore: STORE_STARTED_AT })
  return { ...memory, burn: memory.insert }
}
