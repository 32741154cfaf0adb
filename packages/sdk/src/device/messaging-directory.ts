import type { Awaitable } from '@keyhaven/crypto'
import type { DirectoryClient } from '@keyhaven/directory'
import type { MessagingDirectory } from '@keyhaven/messaging'

/** What messages need of the directory, asked again under newer keys where another tab has renewed. */
export function messagingDirectory(
  directory: DirectoryClient,
  signed: <T>(run: () => Awaitable<T>) => Promise<T>,
): MessagingDirectory {
  return {
    lookUp: (username, options) => signed(() => directory.lookUp(username, options)),
    recordedKeys: (username) => signed(() => directory.recordedKeys(username)),
    acceptReset: (username, chain) => signed(() => directory.acceptReset(username, chain)),
    checkpoint: () => directory.checkpoint(),
    compareCheckpoint: (note) => signed(() => directory.compareCheckpoint(note)),
  }
}
