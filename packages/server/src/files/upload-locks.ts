import type { Lock, Locker } from '@tus/server'

/**
 * One request of a file at a time in this process. The protocol's own locks look again on every turn of the
 * event loop and cut whoever holds one; here the body of a request is in memory already, so that whoever
 * comes next just waits.
 */
export function createUploadLocks(): Locker {
  const last = new Map<string, Promise<void>>()
  return {
    newLock(id): Lock {
      let release = () => {}
      return {
        async lock() {
          const before = last.get(id)
          const mine = new Promise<void>((resolve) => {
            release = resolve
          })
          last.set(id, mine)
          mine.then(() => {
            if (last.get(id) === mine) last.delete(id)
          })
          await before
        },
        async unlock() {
          release()
        },
      }
    },
  }
}
