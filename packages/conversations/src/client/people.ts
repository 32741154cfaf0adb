import { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'
import type { ChainPosition, RecordedKey, VerifiedUser } from '@keyhaven/directory'
import type { DeviceKeys, DeviceVerifyKey, MessagingDirectory } from '@keyhaven/messaging'
import { type Author, type AuthorKeys, authorKeyAt } from '../membership/author.ts'
import { ConversationError, hasCode } from './conversation-error.ts'
import type { Memory } from './memory.ts'

/** A look-up may be so old where something is made for its devices, and where a message says to be newer. */
export const FRESH_SECONDS = 60
const MS_PER_SECOND = 1_000
const MAX_POSITIONS = 10_000
/** Answers of a directory that lies. Others pass, such as a network that is away. */
const ALARMING: readonly ErrorCode[] = [
  'CHAIN_BROKEN',
  'DIRECTORY_STALE',
  'LOG_INCONSISTENT',
  'PROOF_INVALID',
  'RECORD_INVALID',
  'SIGNATURE_INVALID',
]

interface Recorded {
  readonly keys: readonly RecordedKey[]
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** The directory's users, as far as conversations ask about them. */
export class People implements AuthorKeys {
  readonly #me: DeviceKeys
  readonly #directory: MessagingDirectory
  readonly #memory: Memory
  readonly #clock: () => number
  readonly #users = new Map<string, { readonly user: VerifiedUser; readonly at: number }>()
  readonly #recorded = new Map<string, Recorded>()
  readonly #failedAt = new Map<string, number>()
  readonly #positions = new Set<string>()

  constructor(me: DeviceKeys, directory: MessagingDirectory, memory: Memory, clock: () => number) {
    this.#me = me
    this.#directory = directory
    this.#memory = memory
    this.#clock = clock
  }

  /** Own username. */
  get self(): string {
    return this.#me.username
  }

  /**
   * @param options.maxAge - seconds that the look-up may be old.
   * @param options.accepted - the chain that a conversation has signed in: that of a reset user is taken if
   * it is this.
   * @param options.atLeast - a position that must be in the chain.
   * @throws KeyhavenError `CHAIN_RESET` for another chain; as the directory's `lookUp`.
   */
  async user(
    username: string,
    options: { readonly maxAge: number; readonly accepted?: number; readonly atLeast?: ChainPosition },
  ): Promise<VerifiedUser> {
    const { maxAge, accepted, atLeast } = options
    const known = this.#users.get(username)
    const isAsked = atLeast === undefined || this.#positions.has(positionName(username, atLeast))
    const isFresh = known !== undefined && this.#clock() - known.at < maxAge * MS_PER_SECOND
    const user = isFresh && isAsked ? known.user : await this.#lookUp(username, accepted, atLeast)
    if (accepted === undefined || user.chain === accepted) return user
    throw new KeyhavenError('CHAIN_RESET', 'the user has another chain than the conversation knows')
  }

  /**
   * This device as the author of what it signs now. If another tab has renewed it, the new keys are loaded.
   *
   * @throws KeyhavenError `DEVICE_REVOKED` if the directory does not have its signing key any more.
   */
  async author(): Promise<Author> {
    const { username, device } = this.#me
    let user = await this.user(username, { maxAge: FRESH_SECONDS })
    if (!this.#isCurrent(user)) {
      user = await this.user(username, { maxAge: 0 })
      if (!this.#isCurrent(user)) await this.#me.reload()
      if (!this.#isCurrent(user)) {
        throw new ConversationError(
          'DEVICE_REVOKED',
          'the directory does not have the key of this device any more',
        )
      }
    }
    const { chain, head, sequence } = user
    return { username, device, entry: this.#me.entry!, chain, head, sequence }
  }

  /** A device whose encryption key has ended signs all the same. */
  #isCurrent({ devices, refused }: VerifiedUser): boolean {
    const { device, entry } = this.#me
    if (entry === undefined) throw new TypeError('the device is not recorded in the directory yet')
    const isValid = devices.some((own) => own.entry === entry)
    return isValid || refused.some((own) => own.device === device && own.code === 'KEY_EXPIRED')
  }

  async signingKey(by: Author, issued: number): Promise<DeviceVerifyKey> {
    await this.#requirePosition(by)
    return (await this.keyAt(by.username, by, issued)).signingKey
  }

  /**
   * The key that a device had. Asks the directory only about what is newer than the last look-up; without a
   * network, what is remembered counts.
   *
   * @param at - seconds since the epoch. Throws as `authorKeyAt`.
   */
  async keyAt(
    username: string,
    by: { readonly device: string; readonly entry: string; readonly chain?: number },
    at: number,
  ): Promise<RecordedKey> {
    let { keys, at: lookedUpAt } = await this.recorded(username)
    const isKnown = keys.some(({ device, entry }) => device === by.device && entry === by.entry)
    const isNewer = at * MS_PER_SECOND > lookedUpAt
    if (!isKnown || (isNewer && this.#clock() - lookedUpAt >= FRESH_SECONDS * MS_PER_SECOND)) {
      await this.#tryLookUp(username, isKnown)
      keys = (await this.recorded(username)).keys
    }
    return authorKeyAt(keys, by, at)
  }

  /** Whether the last look-up of the user had this very device. */
  async knowsDevice(
    username: string,
    by: { readonly device: string; readonly entry: string },
  ): Promise<boolean> {
    const { keys } = await this.recorded(username)
    return keys.some(({ device, entry }) => device === by.device && entry === by.entry)
  }

  /** Every key that the directory ever recorded for a user, as of the last look-up. */
  async recorded(username: string): Promise<Recorded> {
    const known = this.#recorded.get(username)
    if (known) return known
    const stored = await this.#memory.read<{ at: number }>('user', username)
    if (!stored) await this.#tryLookUp(username, false)
    const keys = await this.#directory.recordedKeys(username)
    const made = this.#recorded.get(username) ?? { keys, at: stored?.value.at ?? this.#clock() }
    this.#recorded.set(username, made)
    return made
  }

  async #lookUp(
    username: string,
    accepted: number | undefined,
    atLeast: ChainPosition | undefined,
  ): Promise<VerifiedUser> {
    const at = this.#clock()
    const user = await this.#directory
      .lookUp(username, atLeast ? { atLeast } : {})
      .catch((error) => this.#acceptedReset(error, username, accepted))
    if (user.username !== username) {
      throw new KeyhavenError('RECORD_INVALID', 'the look-up is of another user')
    }
    this.#users.set(username, { user, at })
    // What it shows as the newest is in the chain: members are pinned there, and need no second look-up for
    // that.
    this.#addPosition(username, user)
    if (atLeast) this.#addPosition(username, atLeast)
    await this.#lookedUp(username, at)
    return user
  }

  /**
   * What a conversation says of a chain is signed by its owners and admins. For messages between two people
   * the reset stays unaccepted: their record of the contact is kept apart.
   */
  async #acceptedReset(
    error: unknown,
    username: string,
    accepted: number | undefined,
  ): Promise<VerifiedUser> {
    if (!hasCode(error, 'CHAIN_RESET') || username === this.#me.username) throw error
    await this.#lookedUp(username, this.#clock())
    const newest = await this.newestChain(username)
    if (accepted !== newest) throw error
    return this.#directory.acceptReset(username, newest)
  }

  /** The number of the newest chain that the directory has shown. @param options.fresh - asks it now. */
  async newestChain(username: string, options: { readonly fresh?: boolean } = {}): Promise<number> {
    if (options.fresh) await this.#tryLookUp(username, false)
    const { keys } = await this.recorded(username)
    return Math.max(0, ...keys.map(({ chain }) => chain))
  }

  /** What is remembered stays in use where nothing newer can be had; not where the directory was caught. */
  async #tryLookUp(username: string, mayFail: boolean): Promise<void> {
    const failedAt = this.#failedAt.get(username)
    if (mayFail && failedAt !== undefined && this.#clock() - failedAt < FRESH_SECONDS * MS_PER_SECOND) return
    try {
      await this.#lookUp(username, undefined, undefined)
      this.#failedAt.delete(username)
    } catch (error) {
      if (hasCode(error, 'CHAIN_RESET')) return
      if (!mayFail || hasCode(error, ...ALARMING)) throw error
      this.#failedAt.set(username, this.#clock())
    }
  }

  async #lookedUp(username: string, at: number): Promise<void> {
    this.#recorded.set(username, { keys: await this.#directory.recordedKeys(username), at })
    await this.#memory.update<{ at: number }>('user', username, (before) =>
      before && before.at >= at ? before : { at },
    )
  }

  /** @throws KeyhavenError `DIRECTORY_STALE`, `CHAIN_BROKEN` unless the position is in the author's chain. */
  async #requirePosition({ username, sequence, head }: Author): Promise<void> {
    const position = { sequence, head }
    if (this.#positions.has(positionName(username, position))) return
    await this.#lookUp(username, undefined, position).catch((error) => {
      // The position is looked at before the reset is.
      if (!hasCode(error, 'CHAIN_RESET')) throw error
    })
    this.#addPosition(username, position)
  }

  #addPosition(username: string, position: ChainPosition): void {
    if (this.#positions.size >= MAX_POSITIONS) this.#positions.clear()
    this.#positions.add(positionName(username, position))
  }
}

function positionName(username: string, { sequence, head }: ChainPosition): string {
  return JSON.stringify([username, sequence, head])
}
