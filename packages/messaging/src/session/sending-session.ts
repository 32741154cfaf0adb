import { type AeadName, type Awaitable, type CryptoBackend, overwrite } from '@keyhaven/crypto'
import type { DeviceName, LeftOut } from '../messenger/messenger.ts'
import { type EnvelopeNegotiation, negotiationJson } from '../wire/envelope.ts'
import { negotiationBytes } from '../wire/message-header.ts'
import { nameOf } from './acknowledgements.ts'
import { chain } from './chain.ts'
import type { SendingChain } from './ratchet.ts'

/** A negotiation as it is repeated until each device has answered. */
export interface RepeatedNegotiation {
  readonly json: string
  readonly hash: Uint8Array
}

export interface SendingSessionParts {
  readonly id: string
  readonly usernames: readonly string[]
  readonly chain: SendingChain
  readonly aead: AeadName
  /** Changes of any of these end the session. */
  readonly fingerprints: ReadonlyMap<string, string>
  readonly recipients: readonly DeviceName[]
  readonly leftOut: readonly LeftOut[]
  readonly negotiation: EnvelopeNegotiation
  /** First part of each envelope, and of each header that is authenticated. */
  readonly envelopeHead: string
  readonly headerHead: Uint8Array
  /** Milliseconds since epoch. */
  readonly endsAt: number
}

/** A session in which this process, and nothing else, sends. It never touches a disk. */
export class SendingSession {
  readonly parts: SendingSessionParts
  /** Generation of the looked-up people at which nothing had changed, and until when that may be relied on. */
  checkedGeneration = -1
  checkedUntil = 0
  /** Under which username the sender finds it. */
  recipient: string | undefined
  readonly #backend: CryptoBackend
  readonly #unanswered: Map<string, string>
  #repeated: RepeatedNegotiation | undefined
  #ended = false

  constructor(backend: CryptoBackend, parts: SendingSessionParts) {
    this.#backend = backend
    this.parts = parts
    this.#unanswered = new Map(parts.recipients.map((name) => [nameOf(name), name.device]))
  }

  get ended(): boolean {
    return this.#ended
  }

  /** @returns undefined once every device has answered. */
  negotiation(): Awaitable<RepeatedNegotiation | undefined> {
    if (this.#unanswered.size === 0) return undefined
    if (this.#repeated) return this.#repeated
    const { jws, keys } = this.parts.negotiation
    const waiting = new Set(this.#unanswered.values())
    const rest = Object.fromEntries(Object.entries(keys).filter(([device]) => waiting.has(device)))
    const negotiation = { jws, keys: rest }
    return chain(this.#backend.sha256(negotiationBytes(negotiation)), (hash) => {
      this.#repeated = { json: negotiationJson(negotiation), hash }
      return this.#repeated
    })
  }

  /** A device says that it has the session key. */
  answered(by: DeviceName): void {
    if (this.#unanswered.delete(nameOf(by))) this.#repeated = undefined
  }

  end(): void {
    this.#ended = true
    this.parts.chain.erase()
    if (this.#repeated) overwrite(this.#repeated.hash)
  }
}
