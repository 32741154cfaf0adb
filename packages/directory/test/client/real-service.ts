import { fromUtf8, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { vrfKeyPair, vrfOutput, vrfProve } from '@keyhaven/crypto/vrf'
import type { SignedFetch } from '@keyhaven/directory'
import { verifyDeviceRequest } from '@keyhaven/directory'
import {
  encodeEntryBundle,
  formatVerifierKey,
  type LogParameters,
  parseTilePath,
} from '@keyhaven/directory/log'
import {
  type Caller,
  createDirectoryService,
  type DirectoryService,
  type LimitedCall,
} from '@keyhaven/directory/service'
import { PROFILES, type ProfileName } from '../../src/chain/profile.ts'
import { MemoryDirectoryStore } from '../kit/memory-directory-store.ts'
import { MemoryLog } from '../kit/memory-log.ts'

const APPLICATION = 'demo'
const ORIGIN = 'log.test/demo'
const TILE_WIDTH = 256

/** The real service over a store in memory, behind calls as the routes of a server make them. */
export class RealService {
  /** Seconds since the epoch. */
  now = 1_795_230_000
  readonly service: DirectoryService
  readonly log: MemoryLog
  readonly trust: { readonly log: string }
  /** Calls that are over the limit. */
  readonly exhausted: Set<LimitedCall>

  private constructor(
    service: (clock: () => number) => DirectoryService,
    log: (clock: () => number) => MemoryLog,
    exhausted: Set<LimitedCall>,
  ) {
    this.exhausted = exhausted
    const clock = () => this.now * 1_000
    this.log = log(clock)
    this.service = service(clock)
    this.trust = { log: formatVerifierKey(this.log.signer.checkpoint.verifier) }
  }

  static async create(): Promise<RealService> {
    const { signatures } = nodeBackend
    const authority = await signatures.generateKeyPair('EdDSA')
    const vrf = vrfKeyPair(nodeBackend.randomBytes(32))
    const parameters: LogParameters = {
      kind: 'parameters',
      application: APPLICATION,
      origin: ORIGIN,
      vrfKey: toBase64url(vrf.publicKey),
      authorityKey: { kty: 'OKP', crv: 'Ed25519', x: authority.publicKey.jwk.x as string },
    }
    const exhausted = new Set<LimitedCall>()
    let time = () => 0
    const opened = await MemoryLog.open(parameters, await signatures.generateKeyPair('EdDSA'), () => time())
    return new RealService(
      (clock) => {
        time = clock
        return createDirectoryService({
          application: APPLICATION,
          backend: nodeBackend,
          store: new MemoryDirectoryStore(),
          log: opened,
          authority,
          vrf: { prove: (alpha) => vrfProve(vrf.secretKey, alpha), output: (proof) => vrfOutput(proof)! },
          signUp: {
            verifyIdToken: async () => {
              throw new KeyhavenError('ACCESS_DENIED', 'no issuer')
            },
          },
          limits: { take: (call) => !exhausted.has(call) },
          clock,
          settings: {
            profiles: Object.keys(PROFILES) as ProfileName[],
            renewalGraceSeconds: 30 * 86_400,
          },
        })
      },
      () => opened,
      exhausted,
    )
  }

  async token(username: string): Promise<{ token: string }> {
    const { token } = await this.service.issueSignUpToken({ username }, 'token:test')
    return { token }
  }

  readonly fetch: SignedFetch = async (path, init, sign) => {
    const body = utf8((init?.body as string | undefined) ?? '')
    const method = init?.method ?? 'GET'
    const channelExport = nodeBackend.randomBytes(32)
    const parts = { method, authority: 'server.test', path, query: '', body, export: () => channelExport }
    const headers = new Headers((await sign(parts)) as [string, string][])
    try {
      const caller = [...headers].length > 0 ? await this.#caller(parts, headers, channelExport) : undefined
      return await this.#route(path, body.length > 0 ? JSON.parse(fromUtf8(body)) : {}, caller)
    } catch (error) {
      if (!(error instanceof KeyhavenError)) throw error
      const { code, sequence, head, chain, issued } = error as KeyhavenError & Record<string, unknown>
      const status = code === 'CONFLICT' ? 409 : code === 'NOT_FOUND' ? 404 : 400
      return Response.json({ code, status, sequence, head, chain, issued }, { status })
    }
  }

  async #caller(
    parts: { method: string; authority: string; path: string; query: string; body: Uint8Array },
    headers: Headers,
    channelExport: Uint8Array,
  ): Promise<Caller> {
    const { username, device } = await verifyDeviceRequest({
      ...parts,
      backend: nodeBackend,
      headers,
      application: APPLICATION,
      channelExport,
      now: this.now,
      seenNonce: () => false,
      findDevice: async (id) => {
        const found = await this.service.findDevice(id)
        if (found === undefined) return undefined
        const jwk = found.device.record.requestKey
        const requestKey = await nodeBackend.signatures.importVerifyKey('EdDSA', jwk)
        return { requestKey, revoked: found.device.status === 'revoked', username: found.username }
      },
    })
    return { username, device }
  }

  // biome-ignore lint/suspicious/noExplicitAny: as a route would parse it.
  async #route(path: string, body: any, caller: Caller | undefined): Promise<Response> {
    if (path === '/v1/directory/devices') {
      return Response.json(await this.service.register(body, caller), { status: 201 })
    }
    if (path === '/v1/directory/entries') {
      return Response.json(await this.service.append(body, caller), { status: 201 })
    }
    if (path === '/v1/directory/log/checkpoint')
      return new Response((await this.log.checkpoint(0)).checkpoint)
    if (caller === undefined) throw new KeyhavenError('UNAUTHENTICATED', 'not signed')
    if (path === '/v1/directory/look-up') return Response.json(await this.service.lookUp(body, caller))
    if (path === '/v1/directory/encryption-keys') {
      await this.service.publishEncryptionKey(body, caller)
      return new Response(null, { status: 204 })
    }
    if (path === '/v1/directory/log/consistency') {
      const proof = await this.log.consistencyProof(body.from, body.to)
      return Response.json({ proof: proof.map((hash) => toBase64url(hash)) })
    }
    const { index, width } = parseTilePath(path.replace('/v1/directory/log/', ''))
    const first = index * TILE_WIDTH
    return new Response(encodeEntryBundle(this.log.leaves.slice(first, first + width)))
  }
}
