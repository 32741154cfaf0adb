import type { MailboxStore } from './mailbox-store.ts'
import { mailboxOf } from './mailbox-store.ts'

/** How soon mail that another process took is noticed. */
const POLL_MS = 1_000
/** Users asked for by one query. */
const BATCH = 200

/** Wakes those who wait for mail. */
export interface MailboxEvents {
  /** Mail came for these users, here. */
  arrived(applicationId: string, usernames: Iterable<string>): void
  /** @param wake - is called whenever there may be mail. @returns stops it. */
  watch(applicationId: string, username: string, wake: () => void): () => void
  close(): void
}

interface Watched {
  readonly applicationId: string
  readonly username: string
  readonly wakes: Set<() => void>
  cursor: number | undefined
}

/** @param onError - gets a poll that failed; the next one follows. */
export function createMailboxEvents(store: MailboxStore, onError: (error: unknown) => void): MailboxEvents {
  const watched = new Map<string, Watched>()
  let timer: NodeJS.Timeout | undefined

  async function poll(): Promise<void> {
    const users = [...watched.values()]
    for (let at = 0; at < users.length; at += BATCH) {
      const batch = users.slice(at, at + BATCH)
      const heads = await store.heads(batch)
      for (const user of batch) {
        const cursor = heads.get(mailboxOf(user.applicationId, user.username)) ?? 0
        const changed = user.cursor !== undefined && user.cursor !== cursor
        user.cursor = cursor
        if (changed) for (const wake of user.wakes) wake()
      }
    }
  }

  function schedule(): void {
    if (timer !== undefined || watched.size === 0) return
    timer = setTimeout(() => {
      poll()
        .catch(onError)
        .finally(() => {
          timer = undefined
          schedule()
        })
    }, POLL_MS).unref()
  }

  return {
    arrived(applicationId, usernames) {
      for (const username of usernames) {
        for (const wake of watched.get(mailboxOf(applicationId, username))?.wakes ?? []) wake()
      }
    },
    watch(applicationId, username, wake) {
      const name = mailboxOf(applicationId, username)
      const user = watched.get(name) ?? { applicationId, username, wakes: new Set(), cursor: undefined }
      watched.set(name, user)
      user.wakes.add(wake)
      schedule()
      return () => {
        user.wakes.delete(wake)
        if (user.wakes.size === 0) watched.delete(name)
      }
    },
    close() {
      clearTimeout(timer)
      watched.clear()
    },
  }
}
