import { type ConversationEvent, type Conversations, createConversations } from '@keyhaven/conversations'
import { messagingDirectory } from './messaging-directory.ts'
import type { OpenDevice } from './open-device.ts'

/** @param touch - called with each use. */
export function createDeviceConversations(
  device: OpenDevice,
  touch: () => void,
  onEvent: ((event: ConversationEvent) => void) | undefined,
): Conversations {
  const { app, api, directory, keys, signed, used } = device
  return createConversations({
    application: app.application,
    me: keys,
    directory: messagingDirectory(directory, signed),
    store: used.store,
    clock: app.clock,
    backend: app.backend,
    ...(onEvent && { onEvent }),
    api: {
      json(method, path, body) {
        touch()
        return signed(() => api.json(method, path, body))
      },
      async call(method, path, body) {
        touch()
        await (await signed(() => api.call(method, path, body))).body?.cancel()
      },
    },
  })
}
