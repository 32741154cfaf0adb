import { backend, jwkThumbprint, KeyhavenError, type SigningKey } from '@keyhaven/crypto'
import { vrfKeyPair, vrfOutput, vrfProve } from '@keyhaven/crypto/vrf'
import { DEFAULT_RENEWAL_GRACE_SECONDS, type ProfileName } from '../../src/index.ts'
import type { AuthorityJwk } from '../../src/log/index.ts'
import {
  type Accepted,
  type Caller,
  createDirectoryService,
  type DirectoryService,
  type LimitedCall,
  type SignUpProof,
  type VerifiedIdToken,
} from '../../src/service/index.ts'
import { MemoryDirectoryStore } from './memory-directory-store.ts'
import { MemoryLog } from './memory-log.ts'
import { APPLICATION, START, TestChain } from './test-chain.ts'

const VRF_SECRET_BYTES = 32
const ORIGIN = 'keyhaven.local/test/demo'

export interface TestDirectoryOptions {
  readonly profiles?: readonly ProfileName[]
  readonly pause?: () => Promise<void>
}

/** The directory service over a store and a log in memory. `now` is the test's to set, in seconds. */
export class TestDirectory {
  readonly store: MemoryDirectoryStore
  readonly authority: SigningKey
  readonly vrfKey: Uint8Array
  readonly log: MemoryLog
  readonly service: DirectoryService
  /** What the issuer's key set would say of an id token, by its text. */
  readonly idTokens = new Map<string, VerifiedIdToken>()
  readonly turns: string[] = []
  readonly notified: object[] = []
  /** Calls that are over the limit. */
  readonly exhausted = new Set<LimitedCall>()
  /** Who has whose name: `alice bob`. */
  readonly known = new Set<string>()
  now = START

  private constructor(
    store: MemoryDirectoryStore,
    authority: SigningKey,
    vrfSecret: Uint8Array,
    log: MemoryLog,
    profiles: readonly ProfileName[],
  ) {
    this.store = store
    this.authority = authority
    this.vrfKey = vrfKeyPair(vrfSecret).publicKey
    this.log = log
    this.service = createDirectoryService({
      application: APPLICATION,
      backend,
      store,
      log,
      authority,
      vrf: { prove: (alpha) => vrfProve(vrfSecret, alpha), output: vrfOutput },
      signUp: { verifyIdToken: async (text) => this.#idToken(text) },
      limits: {
        take: (call, key) => {
          this.turns.push(`${call} ${key}`)
          return !this.exhausted.has(call)
        },
      },
      knows: ({ username }, other) => this.known.has(`${username} ${other}`),
      clock: () => this.now * 1_000,
      settings: { profiles, renewalGraceSeconds: DEFAULT_RENEWAL_GRACE_SECONDS },
      notify: (change) => this.notified.push(change),
    })
  }

  static async open({
    profiles = ['x-wing', 'x25519', 'rsa3072', 'rsa1024-legacy'],
    pause,
  }: TestDirectoryOptions = {}) {
    const authority = await backend.signatures.generateKeyPair('EdDSA')
    const secret = backend.randomBytes(VRF_SECRET_BYTES)
    const vrfKey = Buffer.from(vrfKeyPair(secret).publicKey).toString('base64url')
    const authorityKey = authority.publicKey.jwk as unknown as AuthorityJwk
    const parameters = {
      kind: 'parameters',
      application: APPLICATION,
      origin: ORIGIN,
      vrfKey,
      authorityKey,
    } as const
    const logKey = await backend.signatures.generateKeyPair('EdDSA')
    const log = await MemoryLog.open(parameters, logKey, () => START * 1_000)
    return new TestDirectory(new MemoryDirectoryStore(pause), authority, secret, log, profiles)
  }

  /** A chain that its user writes for this directory. */
  chain(username = 'alice'): Promise<TestChain> {
    return TestChain.open(username, this.authority)
  }

  async token(username = 'alice', profile?: ProfileName): Promise<SignUpProof> {
    const input = { username, ...(profile && { profile }) }
    return { token: (await this.service.issueSignUpToken(input, 'token:admin')).token }
  }

  /** An id token for the newest key that `chain` wrote. */
  async idToken(chain: TestChain, claims: Partial<VerifiedIdToken> = {}): Promise<SignUpProof> {
    const text = `id token ${this.idTokens.size}`
    const { signer } = [...chain.devices.values()].at(-1)!
    const nonce = await jwkThumbprint(backend, signer.jwk)
    this.idTokens.set(text, { issuer: 'https://issuer', subject: chain.username, nonce, ...claims })
    return { idToken: text }
  }

  /** Signs up the chain's first device. @returns it, as a caller. */
  async signUp(chain: TestChain, profile?: ProfileName): Promise<Caller> {
    chain.now = this.now
    const device = await chain.first(profile)
    const signUp = await this.token(chain.username)
    await this.service.register({ entry: chain.entries.at(-1)!, signUp }, undefined)
    return { username: chain.username, device }
  }

  /** Sends the chain's newest entry as a device. */
  send(chain: TestChain, caller: Caller | undefined, signUp?: SignUpProof): Promise<Accepted> {
    const entry = chain.entries.at(-1)!
    const { kind } = chain.state.history.at(-1)!
    return kind === 'device'
      ? this.service.register({ entry, ...(signUp && { signUp }) }, caller)
      : this.service.append({ entry }, caller)
  }

  /** Lets time pass for the authority and the user alike. */
  pass(seconds: number, ...chains: readonly TestChain[]): void {
    this.now += seconds
    for (const chain of chains) chain.now = this.now
  }

  #idToken(text: string): VerifiedIdToken {
    const claims = this.idTokens.get(text)
    if (!claims) throw new KeyhavenError('ACCESS_DENIED', 'the id token is not valid')
    return claims
  }
}
