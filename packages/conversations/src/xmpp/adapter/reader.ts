import { KeyhavenError } from '@keyhaven/crypto'
import { isRepairRequest, namedSender } from '@keyhaven/messaging'
import { contentOf, type ProtectedContent } from '../codec/protected-content.ts'
import type { QualifiedElement } from '../codec/xml-element.ts'
import type { ArchivedEvent, RefusedEvent, StanzaFacts } from './events.ts'
import type { ConversationCipher, EnvelopeCipher, ReadConversationMessage, ReadEnvelope } from './ports.ts'

/** Who sent a message, as far as the transport can say. */
export interface Origin {
  readonly stanza: StanzaFacts
  /** Username; undefined in a room that hides who its occupants are. */
  readonly sender: string | undefined
  /** This device's own words coming back: its message is no duplicate. */
  readonly echo: boolean
}

export interface ReaderParts<C, M extends ReadConversationMessage, E extends ReadEnvelope> {
  readonly conversations: ConversationCipher<C, M> | undefined
  readonly messages: EnvelopeCipher<E> | undefined
  /** The own username. */
  readonly own: () => string
  /** Sends an envelope back to whoever sent this stanza. */
  readonly answer: (stanza: StanzaFacts, envelope: string) => Promise<unknown>
}

/** Decrypts what stanzas carry, and compares who signed it with who sent the stanza. */
export class StanzaReader<C, M extends ReadConversationMessage, E extends ReadEnvelope> {
  readonly #parts: ReaderParts<C, M, E>

  constructor(parts: ReaderParts<C, M, E>) {
    this.#parts = parts
  }

  /**
   * What a message protects, without decrypting it.
   *
   * @returns undefined if it is nothing for this adapter.
   */
  find(message: QualifiedElement, stanza: StanzaFacts): ProtectedContent | RefusedEvent | undefined {
    try {
      const content = contentOf(message)
      if (content?.kind === 'conversation' && !this.#parts.conversations) return undefined
      if (content?.kind === 'envelope' && !this.#parts.messages) return undefined
      return content
    } catch (error) {
      return refused(stanza, error)
    }
  }

  /** @returns undefined if there is nothing to show: a duplicate, or a repair request, which is answered. */
  async read(content: ProtectedContent, origin: Origin): Promise<ArchivedEvent<M, E> | undefined> {
    try {
      return content.kind === 'conversation'
        ? await this.#readConversation(content.objectId, content.packet, origin)
        : await this.#readEnvelope(content.envelope, origin)
    } catch (error) {
      if (codeOf(error) === 'DUPLICATE' && origin.stanza.via !== 'archive') return undefined
      return refused(origin.stanza, error)
    }
  }

  async #readConversation(keyId: string, packet: string, origin: Origin): Promise<ArchivedEvent<M, E>> {
    const archive = origin.stanza.via === 'archive' || origin.echo
    const message = await this.#parts.conversations!.decrypt(keyId, packet, {
      ...(origin.sender !== undefined && { from: origin.sender }),
      ...(archive && { archive }),
    })
    return { kind: 'conversation', message, ...this.#verified(message.from.username, origin) }
  }

  async #readEnvelope(envelope: string, origin: Origin): Promise<ArchivedEvent<M, E> | undefined> {
    const messages = this.#parts.messages!
    // Before anybody is looked up: otherwise strangers could use up this user's look-ups.
    const named = namedSender(envelope)
    if (!named) throw new KeyhavenError('WIRE_MALFORMED', 'neither a message nor a repair request')
    requireSender(named.username, origin)
    if (isRepairRequest(envelope)) {
      if (origin.stanza.via === 'direct') await this.#answerRepair(envelope, origin)
      return undefined
    }
    const message =
      origin.stanza.via === 'archive'
        ? await this.#readArchived(messages, envelope)
        : await messages.decrypt(envelope)
    return { kind: 'message', message, ...this.#verified(message.from, origin) }
  }

  async #answerRepair(request: string, origin: Origin): Promise<void> {
    try {
      const answer = await this.#parts.messages!.answerRepair(request)
      if (answer.to === origin.sender) await this.#parts.answer(origin.stanza, answer.envelope)
    } catch (error) {
      // Refused, or for another device: nobody here can do more about it.
      if (!(error instanceof KeyhavenError)) throw error
    }
  }

  /** Read before, or sent by this device, or from before it was: the history has it; else it is new here. */
  async #readArchived(messages: EnvelopeCipher<E>, envelope: string): Promise<E> {
    try {
      return await messages.decrypt(envelope)
    } catch (error) {
      try {
        return await messages.readAgain(envelope)
      } catch (again) {
        throw codeOf(error) === 'DUPLICATE' ? again : error
      }
    }
  }

  #verified(username: string, origin: Origin) {
    requireSender(username, origin)
    return {
      stanza: origin.stanza,
      own: username === this.#parts.own(),
      sender: origin.sender === undefined ? ('unknown' as const) : ('checked' as const),
    }
  }
}

/** The cipher has compared it too; a mistake there is not to show somebody's words under another name. */
function requireSender(username: string, origin: Origin): void {
  if (origin.sender !== undefined && username !== origin.sender) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'signed by somebody else than the sender of the stanza')
  }
}

export function refused(stanza: StanzaFacts, error: unknown): RefusedEvent {
  const known =
    error instanceof KeyhavenError
      ? error
      : new KeyhavenError('OPEN_FAILED', 'the message could not be read', { cause: error })
  return { kind: 'refused', stanza, error: known }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof KeyhavenError ? error.code : undefined
}
