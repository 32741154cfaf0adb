import {
  type CryptoBackend,
  backend as defaultBackend,
  type Jwk,
  KeyhavenError,
  type SigningKey,
} from '@keyhaven/crypto'
import {
  entryHash,
  foldChain,
  type ProfileName,
  signDeviceKeyRequest,
  signEncryptionKeyStatement,
  signEntry,
  signerOf,
  type UserState,
  type VerifiedUser,
} from '@keyhaven/directory'
import { judgeStatements } from '../../../directory/src/client/judge-statements.ts'
import { recordedKeysOf } from '../../../directory/src/client/recorded-keys.ts'
import { verifiedUser } from '../../../directory/src/client/verified-user.ts'
import type { DeviceKeys, MessagingDirectory } from '../../src/index.ts'

const DAY_SECONDS = 86_400
export const APPLICATION = 'demo'

/** A clock that tests turn. Milliseconds. */
export interface TestClock {
  (): number
  now: number
  advance(seconds: number): void
}

export function testClock(): TestClock {
  const clock = (() => clock.now) as TestClock
  clock.now = 1_800_000_000_000
  clock.advance = (seconds) => {
    clock.now += seconds * 1_000
  }
  return clock
}

interface StoredUser {
  readonly entries: string[]
  readonly statements: Record<string, string>
}

export interface DirectorySnapshot {
  readonly authority: Jwk
  readonly users: readonly (readonly [string, StoredUser])[]
  readonly now: number
}

/** A directory in memory, made of real signed chains. It can lie: see `lie`. */
export class TestDirectory {
  readonly clock: TestClock
  readonly backend: CryptoBackend
  readonly #authority: SigningKey
  readonly #users = new Map<string, StoredUser>()
  /** Look-ups so far. */
  lookUps = 0
  /** Changes what a look-up answers. */
  lie: ((user: VerifiedUser) => VerifiedUser | Promise<VerifiedUser>) | undefined
  note = 'keyhaven.test/demo\n42\nroot\n\n— signature\n'
  /** Codes thrown for users. */
  readonly failing = new Map<string, KeyhavenError['code']>()
  foreignNote: ((note: string) => void) | undefined

  private constructor(clock: TestClock, backend: CryptoBackend, authority: SigningKey) {
    this.clock = clock
    this.backend = backend
    this.#authority = authority
  }

  static async create(clock: TestClock, backend: CryptoBackend = defaultBackend): Promise<TestDirectory> {
    return new TestDirectory(clock, backend, await backend.signatures.generateKeyPair('EdDSA'))
  }

  /** For another tab or process. */
  async snapshot(): Promise<DirectorySnapshot> {
    const authority = await this.backend.signatures.exportSigningKey(this.#authority)
    return { authority, users: [...this.#users], now: this.clock.now }
  }

  static async restore(
    clock: TestClock,
    snapshot: DirectorySnapshot,
    backend: CryptoBackend = defaultBackend,
  ): Promise<TestDirectory> {
    const authority = await backend.signatures.importSigningKey('EdDSA', snapshot.authority)
    const directory = new TestDirectory(clock, backend, authority)
    for (const [username, user] of snapshot.users) directory.#users.set(username, user)
    clock.now = snapshot.now
    return directory
  }

  get now(): number {
    return Math.floor(this.clock() / 1_000)
  }

  state(username: string, at = this.now): Promise<UserState> {
    const { entries } = this.#user(username)
    const authority = this.#authority.publicKey
    return foldChain(this.backend, entries, { application: APPLICATION, username, authority, now: at })
  }

  /** Records a device: the user's first, another approved by `approver`, or a renewal of the device itself. */
  async record(
    keys: DeviceKeys,
    options: { approver?: DeviceKeys; profile?: ProfileName; seconds?: number; notBefore?: number } = {},
  ): Promise<string> {
    const renewal = keys.entry !== undefined
    const next = await keys.prepareRenewal(options.profile)
    const notBefore = options.notBefore ?? this.now
    const request = await signDeviceKeyRequest(this.backend, next.signingKey, {
      application: APPLICATION,
      username: keys.username,
      device: keys.device,
      name: 'test device',
      profile: next.profile,
      ...(next.requestKey ? { requestKey: next.requestKey.publicKey.jwk } : {}),
      encryptionKey: next.encryptionKey.publicJwk,
      notBefore,
      expires: notBefore + (options.seconds ?? 90 * DAY_SECONDS),
    })
    const signer = renewal ? keys.signingKey : (options.approver?.signingKey ?? next.signingKey)
    const entry = await this.#append(keys.username, signer, { kind: 'device', request })
    await keys.adopt(entry)
    return entry
  }

  async revoke(by: DeviceKeys, device: string): Promise<void> {
    const issued = this.now
    const effective = device === by.device ? issued : issued + DAY_SECONDS
    await this.#append(by.username, by.signingKey, { kind: 'revocation', device, reason: 'test', effective })
  }

  async revokeByOperator(username: string, device: string): Promise<void> {
    const signer = signerOf(this.backend, this.#authority)
    await this.#append(username, signer, { kind: 'revocation', device, reason: 'test', effective: this.now })
  }

  async reset(username: string): Promise<void> {
    await this.#append(username, signerOf(this.backend, this.#authority), { kind: 'reset', reason: 'lost' })
  }

  async publish(keys: DeviceKeys): Promise<void> {
    const { application, username, device, encryptionKey } = keys
    this.#user(username).statements[device] = await signEncryptionKeyStatement(
      this.backend,
      keys.signingKey,
      {
        application,
        username,
        device,
        entry: keys.entry!,
        key: encryptionKey.publicJwk,
        notBefore: encryptionKey.notBefore,
        expires: encryptionKey.expires,
      },
    )
  }

  /** What one device's client of the directory is. */
  client(): MessagingDirectory {
    const accepted = new Map<string, number>()
    const look = async (username: string): Promise<VerifiedUser> => {
      this.lookUps++
      const code = this.failing.get(username)
      if (code) throw new KeyhavenError(code, 'the directory fails')
      const state = await this.state(username)
      const { verdicts } = await judgeStatements(
        this.backend,
        state,
        new Map(Object.entries(this.#user(username).statements)),
        undefined,
      )
      const profiles = new Set<ProfileName>(['x-wing', 'x25519', 'rsa3072', 'rsa1024-legacy'])
      const checkpoint = { size: 42, root: '', note: this.note }
      const user = verifiedUser(state, checkpoint, { profiles, statements: verdicts })
      return this.lie ? this.lie(user) : user
    }
    return {
      lookUp: async (username) => {
        const user = await look(username)
        const known = accepted.get(username) ?? user.chain
        if (user.chain > known) throw new KeyhavenError('CHAIN_RESET', 'the user was reset')
        accepted.set(username, known)
        return user
      },
      acceptReset: async (username, chain) => {
        const user = await look(username)
        if (user.chain !== chain) throw new KeyhavenError('CONFLICT', 'another chain')
        accepted.set(username, chain)
        return user
      },
      recordedKeys: async (username) => recordedKeysOf(await this.state(username)),
      checkpoint: async () => ({ size: 42, root: '', note: this.note }),
      compareCheckpoint: async (note) => {
        this.foreignNote?.(note)
        if (note.split('\n')[0] !== this.note.split('\n')[0]) {
          throw new KeyhavenError('LOG_INCONSISTENT', 'another log')
        }
      },
    }
  }

  #user(username: string): StoredUser {
    const user = this.#users.get(username)
    if (!user) throw new KeyhavenError('NOT_FOUND', 'no such user')
    return user
  }

  async #append(
    username: string,
    signer: Parameters<typeof signEntry>[1],
    fields: { kind: string } & Record<string, unknown>,
  ): Promise<string> {
    if (!this.#users.has(username)) this.#users.set(username, { entries: [], statements: {} })
    const { entries } = this.#user(username)
    const state = entries.length > 0 ? await this.state(username) : undefined
    const afterReset = fields.kind === 'reset'
    const entry = await signEntry(this.backend, signer, {
      application: APPLICATION,
      username,
      chain: (state?.chain ?? 0) + (afterReset ? 1 : 0),
      sequence: (state?.sequence ?? -1) + 1,
      previous: state?.head ?? null,
      issued: this.now,
      ...fields,
    } as Parameters<typeof signEntry>[2])
    entries.push(entry)
    await this.state(username)
    return entryHash(this.backend, entry)
  }
}
