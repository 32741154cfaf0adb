import { type Jwk, KeyhavenError, randomId, toBase64url } from '@keyhaven/crypto'
import { nobleBackend } from '@keyhaven/crypto/noble'
import { nodeBackend } from '@keyhaven/crypto/node'
import { webBackend } from '@keyhaven/crypto/web'
import { type RecordedKey, signerOf } from '@keyhaven/directory'
import type { DeviceSigner } from '@keyhaven/messaging'
import {
  type Member,
  type MembershipChange,
  newConversationId,
  type Role,
  signMembershipEntry,
} from '../../src/index.ts'
import { type Author, type AuthorKeys, authorKeyAt } from '../../src/membership/author.ts'
import type { ConversationState } from '../../src/membership/conversation-state.ts'
import type { MembershipFields } from '../../src/membership/entry.ts'
import { foldMembership } from '../../src/membership/fold-membership.ts'
import { ID_BYTES } from '../../src/membership/limits.ts'
import type { CreateChange } from '../../src/membership/membership-change.ts'

export const BACKENDS = [nodeBackend, webBackend, nobleBackend]
export const APPLICATION = 'demo'
/** Seconds since the epoch: when every test begins. */
export const START = 1_800_000_000
const YEAR_SECONDS = 31_536_000

export const newHash = (): string => toBase64url(nodeBackend.randomBytes(32))
export const newId = (): string => randomId(nodeBackend, ID_BYTES)

export async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (error instanceof KeyhavenError) return error.code
    throw error
  }
  return 'none'
}

/** A device with a real Ed25519 key, as the directory would have recorded it. */
export interface TestDevice {
  readonly signer: DeviceSigner
  readonly privateJwk: Jwk
  readonly recorded: RecordedKey
  readonly by: Author
}

/** Users with one device each, and what the directory would say of them. */
export class TestPeople implements AuthorKeys {
  readonly #recorded = new Map<string, RecordedKey[]>()
  readonly #devices = new Map<string, TestDevice>()

  /** The newest device of a user, made when first asked for. */
  async device(username: string): Promise<TestDevice> {
    return this.#devices.get(username) ?? this.record(username, {})
  }

  /** Records a device, or with `device` its renewal. */
  async record(username: string, over: Partial<RecordedKey> & { sequence?: number }): Promise<TestDevice> {
    const { sequence = over.chain ?? 0, ...fields } = over
    const key = await nodeBackend.signatures.generateKeyPair('EdDSA')
    const signer = signerOf(nodeBackend, key)
    const recorded: RecordedKey = {
      device: newId(),
      entry: newHash(),
      chain: 0,
      signingKey: { algorithm: 'EdDSA', jwk: signer.jwk },
      issued: START - 1_000,
      expires: START + YEAR_SECONDS,
      ...fields,
    }
    this.#recorded.set(username, [...(this.#recorded.get(username) ?? []), recorded])
    const { device, entry, chain } = recorded
    const by = { username, device, entry, chain, head: entry, sequence }
    const privateJwk = await nodeBackend.signatures.exportSigningKey(key)
    const made = { signer, privateJwk, recorded, by }
    this.#devices.set(username, made)
    return made
  }

  /** What the directory says of a device from now on. */
  change(username: string, device: string, change: Partial<RecordedKey>): void {
    const keys = this.#recorded.get(username)!
    this.#recorded.set(
      username,
      keys.map((key) => (key.device === device ? { ...key, ...change } : key)),
    )
  }

  signingKey(by: Author, issued: number): RecordedKey['signingKey'] {
    return authorKeyAt(this.#recorded.get(by.username) ?? [], by, issued).signingKey
  }

  async member(username: string, role: Role, over: Partial<Member> = {}): Promise<Member> {
    const { chain, head, sequence } = (await this.device(username)).by
    return { username, role, chain, head, sequence, ...over }
  }
}

export const NO_HISTORY = { members: 'joined', devices: 'joined' } as const
export const ALL_HISTORY = { members: 'all', devices: 'all' } as const

/** A conversation whose entries are signed by whoever the test names. */
export class TestConversation {
  readonly people: TestPeople
  id = ''
  readonly entries: string[] = []
  state!: ConversationState
  now = START

  constructor(people: TestPeople = new TestPeople()) {
    this.people = people
  }

  static async create(
    members: Readonly<Record<string, Role>>,
    over: Partial<CreateChange> = {},
  ): Promise<TestConversation> {
    const made = new TestConversation()
    const [creator] = Object.keys(members)
    const listed = Object.entries(members).map(([username, role]) => made.people.member(username, role))
    const change: Omit<CreateChange, 'nonce'> = {
      kind: 'create',
      mode: 'sealed',
      algorithm: 'A256GCM',
      history: NO_HISTORY,
      rotation: { maxAge: null, maxMessages: null },
      retention: null,
      members: await Promise.all(listed),
      ...over,
    }
    made.entries.push(await made.begin(creator!, change))
    made.state = await made.fold()
    return made
  }

  /** Signs what begins it; from then on it has its id. */
  async begin(username: string, change: Omit<CreateChange, 'nonce'>): Promise<string> {
    const { by, signer } = await this.people.device(username)
    const place = { application: APPLICATION, sequence: 0, previous: null, issued: this.now, by }
    const creation = { ...place, ...change }
    const { conversation, nonce } = await newConversationId(nodeBackend, creation)
    this.id = conversation
    return signMembershipEntry(signer, { ...creation, conversation, nonce })
  }

  /** Signs what would come next. */
  async sign(
    username: string,
    change: MembershipChange,
    over: Partial<MembershipFields> = {},
  ): Promise<string> {
    const { by, signer } = await this.people.device(username)
    const fields = {
      ...{ application: APPLICATION, conversation: this.id },
      sequence: this.entries.length,
      previous: this.state?.head ?? null,
      issued: this.now,
      by,
      ...change,
      ...over,
    } as MembershipFields
    return signMembershipEntry(signer, fields)
  }

  fold(entries: readonly string[] = this.entries): Promise<ConversationState> {
    const expected = { application: APPLICATION, conversation: this.id, authors: this.people }
    return foldMembership(nodeBackend, entries, expected)
  }

  /** Folds what is there with one more entry; keeps it if it holds. */
  async put(entry: string): Promise<ConversationState> {
    this.state = await this.fold([...this.entries, entry])
    this.entries.push(entry)
    return this.state
  }

  async change(username: string, change: MembershipChange): Promise<ConversationState> {
    return this.put(await this.sign(username, change))
  }

  async add(
    by: string,
    username: string,
    role: Role,
    over: Partial<Member> = {},
  ): Promise<ConversationState> {
    const members = [await this.people.member(username, role, over)]
    return this.change(by, { kind: 'add', members })
  }
}
