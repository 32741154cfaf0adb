import { currentMembers } from '../membership/conversation-state.ts'
import { AUTHOR_SKEW_SECONDS } from '../membership/limits.ts'
import { devicesNeedRotation, type RotationFacts, rotationDue } from '../membership/rotation-due.ts'
import type { ClientContext } from './client-context.ts'
import { hasCode } from './conversation-error.ts'
import { inParallel } from './in-parallel.ts'
import type { KeyMaker } from './key-maker.ts'
import type { HeldKey, KeyRing } from './key-ring.ts'
import type { KnownMembership, Memberships } from './memberships.ts'
import { requireSending, requireWriter } from './require-writer.ts'

/** While messages are sent, members' devices are looked up again after this time. */
const MEMBER_LOOK_UP_SECONDS = 3_600
/** What look-ups said of devices is put together again after this time. */
const DEVICE_FACTS_SECONDS = 60
const MS_PER_SECOND = 1_000
const LOOK_UPS_AT_ONCE = 8

type DeviceFacts = Pick<Required<RotationFacts>, 'deviceLeftAt' | 'deviceJoinedAt'> & {
  /** Devices that are revoked, expired, or of a chain before a reset. */
  readonly left: ReadonlySet<string>
}
const NO_DEVICE_FACTS: DeviceFacts = { deviceLeftAt: 0, deviceJoinedAt: 0, left: new Set() }
interface KnownFacts extends DeviceFacts {
  readonly head: string
  readonly at: number
}

/**
 * Which key a message goes under: never one that was made for another membership, or is due to be replaced.
 */
export class SendKeys {
  readonly #context: ClientContext
  readonly #memberships: Memberships
  readonly #ring: KeyRing
  readonly #maker: KeyMaker
  readonly #facts = new Map<string, KnownFacts>()

  constructor(context: ClientContext, memberships: Memberships, ring: KeyRing, maker: KeyMaker) {
    this.#context = context
    this.#memberships = memberships
    this.#ring = ring
    this.#maker = maker
  }

  /** The current key, or a new one if that is due. Throws as `KeyMaker.make` and `KeyRing.get`. */
  async get(id: string): Promise<HeldKey> {
    const known = await this.#memberships.fresh(id)
    requireSending(known)
    requireWriter(known.state, await this.#context.people.author())
    const held = await this.#current(known)
    if (held === undefined) return this.#maker.make(id)
    // Fetching the key may have shown a newer membership.
    const now = await this.#memberships.get(id)
    requireSending(now)
    const messages = await this.sent(held)
    if (await this.#isDue(now, held, messages)) return this.#maker.make(id, messages)
    return held
  }

  /** How many messages this device has sent under a key; counted only where a rule asks. */
  async sent({ record }: HeldKey): Promise<number> {
    const { state } = await this.#memberships.get(record.conversation)
    if (state.rotation.maxMessages === null) return 0
    return (await this.#context.memory.read<number>('sent', record.id))?.value ?? 0
  }

  async count({ record }: HeldKey): Promise<void> {
    const { state } = await this.#memberships.get(record.conversation)
    if (state.rotation.maxMessages === null) return
    await this.#context.memory.update<number>('sent', record.id, (before = 0) => before + 1)
  }

  /** Undefined where there is none that this device has: then it makes one. */
  async #current({ currentKey }: KnownMembership): Promise<HeldKey | undefined> {
    if (currentKey === null) return undefined
    try {
      return await this.#ring.get(currentKey)
    } catch (error) {
      if (hasCode(error, 'KEY_PENDING')) return undefined
      throw error
    }
  }

  async #isDue(known: KnownMembership, { record }: HeldKey, messages: number): Promise<boolean> {
    const { state, rotationDue: byServer } = known
    if (record.conversation !== state.conversation || record.membership.head !== state.head) return true
    if (byServer !== null) return true
    const { membership, madeAt, mode } = record
    const { left, ...devices } = await this.#deviceFacts(known)
    // Whoever has a device that was revoked can date a key of it to just before that, or just after.
    if (record.by !== undefined && left.has(record.by)) return true
    const newest = this.#ring.newest(state.conversation)
    const isReplaced = newest?.membership.head === state.head && newest.madeAt > madeAt + AUTHOR_SKEW_SECONDS
    if (isReplaced) return true
    const facts = { now: this.#context.now(), messages, ...devices }
    return rotationDue(state, { membership: membership.sequence, madeAt, mode }, facts) !== null
  }

  /**
   * By own look-ups. In managed conversations the server gives the keys out, and its word is all there is.
   */
  async #deviceFacts({ state }: KnownMembership): Promise<DeviceFacts> {
    if (state.mode === 'managed') return NO_DEVICE_FACTS
    const { people, clock, now } = this.#context
    const known = this.#facts.get(state.conversation)
    if (known?.head === state.head && clock() - known.at < DEVICE_FACTS_SECONDS * MS_PER_SECOND) return known
    const times = await inParallel(currentMembers(state), LOOK_UPS_AT_ONCE, async ({ username, chain }) => {
      try {
        await people.user(username, { maxAge: MEMBER_LOOK_UP_SECONDS, accepted: chain })
      } catch (error) {
        // A reset ended the devices: their keys say so.
        if (!hasCode(error, 'CHAIN_RESET', 'NOT_FOUND')) throw error
      }
      const { keys } = await people.recorded(username)
      const newest = Map.groupBy(keys, ({ device }) => device)
      let leftAt = 0
      let joinedAt = 0
      const left: string[] = []
      for (const records of newest.values()) {
        const { device, revokedAt, expires, chain: of } = records.at(-1)!
        const end = Math.min(revokedAt ?? expires, expires)
        if (end <= now() || of !== chain) left.push(device)
        if (end <= now()) leftAt = Math.max(leftAt, end)
        else if (of === chain) joinedAt = Math.max(joinedAt, records[0]!.issued)
      }
      return { left, leftAt, joinedAt: devicesNeedRotation(state, username) ? joinedAt : 0 }
    })
    const facts: KnownFacts = {
      head: state.head,
      at: clock(),
      left: new Set(times.flatMap(({ left }) => left)),
      deviceLeftAt: Math.max(0, ...times.map(({ leftAt }) => leftAt)),
      deviceJoinedAt: Math.max(0, ...times.map(({ joinedAt }) => joinedAt)),
    }
    this.#facts.set(state.conversation, facts)
    return facts
  }
}
