import { KeyhavenError } from '@keyhaven/crypto'
import type { XmppClient, XmppElement } from './xmpp-client.ts'

/** Stanzas that wait for a connection or for the server's acknowledgement. */
const MAX_ENTRIES = 10_000

interface Entry {
  readonly element: XmppElement
  /** Its place in the order of sending. */
  readonly number: number
  readonly accept: () => void
  readonly refuse: (error: KeyhavenError) => void
}

/**
 * What this client sends: kept until the server has it. The client's stream management (XEP-0198) resends
 * what was not acknowledged when it resumes a session; what it gives up, and what could not be written, is
 * sent in the next session. So the server may get a stanza twice, and receivers notice by the message id.
 */
export class Outbox {
  readonly #client: XmppClient
  #waiting: Entry[] = []
  /** Written and not acknowledged, by element. */
  readonly #written = new Map<unknown, Entry>()
  #number = 0
  #ready = false
  #flushing = false

  constructor(client: XmppClient) {
    this.#client = client
    client.streamManagement?.on('ack', this.#onAck)
    client.streamManagement?.on('fail', this.#onFail)
  }

  /**
   * @returns resolves once the server has acknowledged it, or, on a server without stream management, once it
   * is written.
   * @throws KeyhavenError `RATE_LIMITED` if too much waits.
   */
  push(element: XmppElement): Promise<void> {
    if (this.#waiting.length + this.#written.size >= MAX_ENTRIES) {
      throw new KeyhavenError('RATE_LIMITED', 'too many unsent messages')
    }
    const accepted = new Promise<void>((accept, refuse) => {
      this.#waiting.push({ element, number: this.#number++, accept, refuse })
    })
    // Whoever does not wait for it is not to fail for it either.
    accepted.catch(() => {})
    void this.#flush()
    return accepted
  }

  /** The stream takes stanzas: a session has begun or is resumed. */
  open(): void {
    this.#ready = true
    void this.#flush()
  }

  /** The connection is gone. */
  pause(): void {
    this.#ready = false
  }

  close(): void {
    this.#ready = false
    this.#client.streamManagement?.removeListener('ack', this.#onAck)
    this.#client.streamManagement?.removeListener('fail', this.#onFail)
    const error = new KeyhavenError('RESULT_UNKNOWN', 'closed before the server had acknowledged the message')
    for (const entry of [...this.#written.values(), ...this.#waiting]) entry.refuse(error)
    this.#waiting = []
    this.#written.clear()
  }

  async #flush(): Promise<void> {
    if (this.#flushing) return
    this.#flushing = true
    try {
      while (this.#ready && this.#waiting.length > 0) {
        if (!(await this.#write(this.#waiting.shift()!))) return
      }
    } finally {
      this.#flushing = false
    }
  }

  /** @returns false if the connection broke: the rest waits for the next. */
  async #write(entry: Entry): Promise<boolean> {
    const { element } = entry
    const management = this.#client.streamManagement
    const managed = management?.enabled === true
    this.#written.set(element, entry)
    try {
      await this.#client.send(element)
    } catch {
      this.#onFail(element)
      return false
    }
    // The client notes it for acknowledgement after it is written, and not if the connection broke meanwhile.
    if (managed && !management.enabled) this.#onFail(element)
    else if (!managed) this.#onAck(element)
    return true
  }

  readonly #onAck = (stanza: unknown): void => {
    const entry = this.#written.get(stanza)
    this.#written.delete(stanza)
    entry?.accept()
  }

  /** Back to its place among what waits. */
  readonly #onFail = (stanza: unknown): void => {
    const entry = this.#written.get(stanza)
    if (!entry) return
    this.#written.delete(stanza)
    const after = this.#waiting.findIndex(({ number }) => number > entry.number)
    this.#waiting.splice(after < 0 ? this.#waiting.length : after, 0, entry)
  }
}
