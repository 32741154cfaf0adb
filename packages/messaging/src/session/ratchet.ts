import {
  type AeadName,
  type Awaitable,
  type CryptoBackend,
  KeyhavenError,
  overwrite,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { chain } from './chain.ts'

const MESSAGE_KEY = Uint8Array.of(0x01)
const NEXT_CHAIN_KEY = Uint8Array.of(0x02)
const CHAIN_LABEL = utf8('keyhaven message chain v1')
export const CHAIN_KEY_BYTES = 32
/** A message key is used for one message only, so one nonce does for all. */
export const ZERO_NONCE = new Uint8Array(12)

/**
 * First chain key of a session: HMAC-SHA-256(session key, "keyhaven message chain v1": u8 length | application: u16
 * length | session: u8 length).
 */
export function firstChainKey(
  backend: CryptoBackend,
  sessionKey: Uint8Array,
  application: string,
  session: string,
): Awaitable<Uint8Array> {
  const context = new Writer(128).bytes8(CHAIN_LABEL).bytes16(utf8(application)).bytes8(utf8(session)).done()
  return backend.hmacSha256(sessionKey, context)
}

export interface RatchetStep {
  /** 32 bytes, of which AES-128 takes the first 16. */
  readonly messageKey: Uint8Array
  readonly nextChainKey: Uint8Array
}

/** message key = HMAC(chain key, 0x01), next chain key = HMAC(chain key, 0x02). */
export function ratchetStep(backend: CryptoBackend, chainKey: Uint8Array): Awaitable<RatchetStep> {
  return chain(backend.hmacSha256(chainKey, MESSAGE_KEY), (messageKey) =>
    chain(backend.hmacSha256(chainKey, NEXT_CHAIN_KEY), (nextChainKey) => ({ messageKey, nextChainKey })),
  )
}

export function keyOfAead(aead: AeadName, messageKey: Uint8Array): Uint8Array {
  return aead === 'aes-128-gcm' ? messageKey.subarray(0, 16) : messageKey
}

/** A sending chain, in memory only. Steps are taken one after the other, also where HMAC is asynchronous. */
export class SendingChain {
  readonly #backend: CryptoBackend
  #chainKey: Uint8Array
  #next = 0
  #stepping: Promise<unknown> | undefined
  #erased = false

  /** @param chainKey - taken over: it is overwritten at the first step. */
  constructor(backend: CryptoBackend, chainKey: Uint8Array) {
    this.#backend = backend
    this.#chainKey = chainKey
  }

  /** Number of the next message. */
  get next(): number {
    return this.#next
  }

  /** Each number and key is given out once. */
  take(): Awaitable<{ readonly n: number; readonly messageKey: Uint8Array }> {
    if (this.#stepping) return this.#stepping.then(() => this.take())
    if (this.#erased) throw new KeyhavenError('SESSION_UNKNOWN', 'the session has ended')
    const chainKey = this.#chainKey
    const n = this.#next++
    const step = ratchetStep(this.#backend, chainKey)
    if (step instanceof Promise) {
      const taken = step.then(({ messageKey, nextChainKey }) => {
        this.#advance(chainKey, nextChainKey)
        this.#stepping = undefined
        return { n, messageKey }
      })
      this.#stepping = taken
      return taken
    }
    this.#advance(chainKey, step.nextChainKey)
    return { n, messageKey: step.messageKey }
  }

  erase(): void {
    overwrite(this.#chainKey)
    this.#erased = true
  }

  #advance(used: Uint8Array, nextChainKey: Uint8Array): void {
    overwrite(used)
    this.#chainKey = nextChainKey
    if (this.#erased) overwrite(nextChainKey)
  }
}
