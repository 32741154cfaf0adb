import { type Awaitable, fromBase64url } from '@keyhaven/crypto'
import type { ArchivedKey } from '../history/archive.ts'
import { chain } from '../session/chain.ts'
import { keyOfAead, ZERO_NONCE } from '../session/ratchet.ts'
import type { Envelope } from '../wire/envelope.ts'
import { decodeFrame, type MessageFrame } from '../wire/message-frame.ts'
import { messageHeader, messageHeaderHead, negotiationBytes } from '../wire/message-header.ts'
import type { Context } from './context.ts'

/** Heads of headers kept, one for each session. */
const MAX_CACHED_HEADS = 20_000

/** Opens the ciphertext of an envelope under its message key. */
export class MessageOpener {
  readonly #context: Pick<Context, 'backend'>
  readonly #heads = new Map<string, Uint8Array>()

  constructor(context: Pick<Context, 'backend'>) {
    this.#context = context
  }

  /** @throws KeyhavenError `OPEN_FAILED`; `WIRE_MALFORMED` for a frame that is none. */
  open(envelope: Envelope, key: ArchivedKey): Awaitable<MessageFrame> {
    if (!envelope.negotiation) return this.#under(envelope, key, undefined)
    const hashing = this.#context.backend.sha256(negotiationBytes(envelope.negotiation))
    return chain(hashing, (hash) => this.#under(envelope, key, hash))
  }

  #under(
    envelope: Envelope,
    { aead, messageKey }: ArchivedKey,
    negotiationHash: Uint8Array | undefined,
  ): Awaitable<MessageFrame> {
    const header = messageHeader(this.#headOf(envelope), envelope.n, negotiationHash)
    const ciphertext = fromBase64url(envelope.ciphertext)
    const importing = this.#context.backend.importAeadKey(aead, keyOfAead(aead, messageKey))
    return chain(importing, (key) => chain(key.open(ZERO_NONCE, ciphertext, header), decodeFrame))
  }

  /** First part of the header, kept for each session; it holds who sent it, so that this is compared, too. */
  #headOf(envelope: Envelope): Uint8Array {
    const name = `${envelope.session}${envelope.from.device}${envelope.from.username}`
    let head = this.#heads.get(name)
    if (!head) {
      head = messageHeaderHead(envelope)
      if (this.#heads.size >= MAX_CACHED_HEADS) this.#heads.clear()
      this.#heads.set(name, head)
    }
    return head
  }

  clear(): void {
    this.#heads.clear()
  }
}
