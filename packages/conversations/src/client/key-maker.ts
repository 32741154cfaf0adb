import { KeyhavenError } from '@keyhaven/crypto'
import { requireId } from '../membership/ids.ts'
import type { ClientContext } from './client-context.ts'
import { ConversationError, hasCode, mayBeDone } from './conversation-error.ts'
import type { HeldKey, KeyRing } from './key-ring.ts'
import { type MadeKey, makeSealedKey } from './make-sealed-key.ts'
import type { KnownMembership, Memberships } from './memberships.ts'
import { FRESH_SECONDS } from './people.ts'
import { requireSending, requireWriter } from './require-writer.ts'

const ATTEMPTS = 5

/** Makes new keys: by this device in sealed conversations, by the server in managed ones. */
export class KeyMaker {
  readonly #context: ClientContext
  readonly #memberships: Memberships
  readonly #ring: KeyRing

  constructor(context: ClientContext, memberships: Memberships, ring: KeyRing) {
    this.#context = context
    this.#memberships = memberships
    this.#ring = ring
  }

  /**
   * A new key for the present membership, which is the current one from now on.
   *
   * @param messages - how many this device has sent under the one before.
   * @throws KeyhavenError `MEMBERSHIP_FORKED`, `ACCESS_DENIED`; `CONFLICT` if the membership changes all the
   * time; as {@link makeSealedKey} and `KeyRing.accept`.
   */
  async make(id: string, messages?: number): Promise<HeldKey> {
    let maxAge = FRESH_SECONDS
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const known = attempt === 0 ? await this.#memberships.fresh(id) : await this.#memberships.refresh(id)
      requireSending(known)
      requireWriter(known.state, await this.#context.people.author())
      try {
        const made =
          known.state.mode === 'managed' ? this.#byServer(known, messages) : this.#byThisDevice(known, maxAge)
        const held = await made.catch((error) => this.#lookAfter(error, known))
        const { membership } = held.record
        if (membership.head !== known.state.head) continue
        this.#memberships.setCurrentKey(id, held.record.id)
        return held
      } catch (error) {
        // Somebody was first, or a device left between look-up and call: the next attempt knows.
        if (!hasCode(error, 'CONFLICT', 'INPUT_INVALID') || attempt === ATTEMPTS - 1) throw error
        maxAge = 0
      }
    }
    throw new ConversationError('CONFLICT', 'the membership changes all the time')
  }

  /** Sends the rest of the recipients; before that, the key is nobody's. */
  async sendPages({ record, pages }: MadeKey): Promise<void> {
    for (const recipients of pages) {
      await this.#context.api.call('PUT', `/v1/keys/${record.id}/recipients`, { recipients })
    }
  }

  /** The answer was lost: whether there is a new key, the server says. */
  async #lookAfter(error: unknown, { state, currentKey: before }: KnownMembership): Promise<HeldKey> {
    if (!mayBeDone(error)) throw error
    const { currentKey } = await this.#memberships.refresh(state.conversation)
    if (currentKey === null || currentKey === before) throw error
    return this.#ring.get(currentKey)
  }

  async #byServer({ state }: KnownMembership, messages: number | undefined): Promise<HeldKey> {
    const body = messages === undefined ? {} : { messages }
    const answer = await this.#context.api.json('POST', `/v1/conversations/${state.conversation}/keys`, body)
    const id = requireId(answer.id, 'key id')
    if (answer.conversation !== state.conversation) {
      throw new KeyhavenError('RECORD_INVALID', 'the server gave a key of another conversation')
    }
    return this.#ring.accept(answer, id)
  }

  async #byThisDevice({ state }: KnownMembership, maxAge: number): Promise<HeldKey> {
    const made = await makeSealedKey(this.#context, state, { maxAge })
    // Kept before it is sent: if the answer is lost, the key is not.
    const held = await this.#ring.keep(made.record)
    await this.#context.api.call('POST', `/v1/conversations/${state.conversation}/keys`, made.upload)
    await this.sendPages(made)
    return held
  }
}
