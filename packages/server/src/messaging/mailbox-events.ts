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
  /** @returns stops it. */
  watch(applicationId: string, username: string, watcher: MailWatcher): () => void
  /** Ends everything that waits, and whatever would wait from now on. */
  close(): void
}

export interface MailWatcher {
  /** There may be mail. */
  wake(): void
  /** There will be no more news here. Called once, never before `watch` has returned. */
  end(): void
}

interface Watched {
  readonly applicationId: string
  readonly username: string
  readonly watchers: Set<MailWatcher>
  cursor: number | undefined
}

/** @param onError - gets a poll that failed; the next one follows. */
export function createMailboxEvents(store: MailboxStore, onError: (error: unknown) => void): MailboxEvents {
  const watched = new Map<string, Watched>()
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function poll(): Promise<void> {
    const users = [...watched.values()]
    for (let at = 0; at < users.length; at += BATCH) {
      const batch = users.slice(at, at + BATCH)
      const heads = await store.heads(batch)
      for (const user of batch) {
        const cursor = heads.get(mailboxOf(user.applicationId, user.username)) ?? 0
        // Also the first time: mail may have come since the watcher looked.
        const changed = user.cursor !== cursor
        user.cursor = cursor
        if (changed) for (const watcher of user.watchers) watcher.wake()
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
        const user = watched.get(mailboxOf(applicationId, username))
        for (const watcher of user?.watchers ?? []) watcher.wake()
      }
    },
    watch(applicationId, username, watcher) {
      if (closed) {
        queueMicrotask(() => watcher.end())
        return () => {}
      }
      const name = mailboxOf(applicationId, username)
      const user = watched.get(name) ?? { applicationId, username, watchers: new Set(), cursor: undefined }
      watched.set(name, user)
      user.watchers.add(watcher)
      schedule()
      return () => {
        user.watchers.delete(watcher)
        if (user.watchers.size === 0 && watched.get(name) === user) watched.delete(name)
      }
    },
    close() {
      closed = true
      clearTimeout(timer)
      const users = [...watched.values()]
      watched.clear()
      for (const { watchers } of users) for (const watcher of [...watchers]) watcher.end()
    },
  }
}
