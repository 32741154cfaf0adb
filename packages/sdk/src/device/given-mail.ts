interface GivenItem {
  readonly cursor: string
  /** Empty: not for the app, and dealt with. */
  readonly envelope: string
  isRead: boolean
}

/**
 * What the mailbox gave to the app, in its order, and what of it is known to be read: what was decrypted, or all of it
 * when the app asks for more.
 */
export class GivenMail {
  #items: GivenItem[] = []

  add(cursor: string, envelope: string | undefined): void {
    this.#items.push({ cursor, envelope: envelope ?? '', isRead: envelope === undefined })
  }

  /** This one was decrypted, or never can be. */
  read(envelope: string): void {
    for (const item of this.#items) if (item.envelope === envelope) item.isRead = true
  }

  /** @returns the cursor of the last item, which counts as read with all before it; undefined: nothing was given. */
  takeAll(): string | undefined {
    const last = this.#items.at(-1)
    this.#items = []
    return last?.cursor
  }

  /** @returns the cursor up to which all is read; what is behind comes again. */
  takeRead(): string | undefined {
    const firstUnread = this.#items.findIndex(({ isRead }) => !isRead)
    const read = firstUnread < 0 ? this.#items : this.#items.slice(0, firstUnread)
    this.#items = []
    return read.at(-1)?.cursor
  }
}
