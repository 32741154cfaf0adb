import { type ConversationEvent, type Conversations, createConversations } from '@keyhaven/conversations'
import { messagingDirectory } from './messaging-directory.ts'
import type { OpenDevice } from './open-device.ts'
import { overNetwork } from './over-network.ts'

/** While messages come, keys that others wait for are handed on so often. */
const ANSWER_EVERY_MS = 60_000

export interface DeviceConversationsOptions {
  readonly upkeep: { touch(): void; ready(): Promise<void>; alone<T>(run: () => Promise<T>): Promise<T> }
  readonly onEvent: ((event: ConversationEvent) => void) | undefined
}

export function createDeviceConversations(
  device: OpenDevice,
  { upkeep, onEvent }: DeviceConversationsOptions,
): Conversations {
  const { app, api, directory, keys, used } = device
  const signed: OpenDevice['signed'] = (run) => overNetwork(() => device.signed(run))
  let answeredAt = 0
  const conversations = createConversations({
    application: app.application,
    me: keys,
    directory: messagingDirectory(directory, signed),
    store: used.store,
    clock: app.clock,
    backend: app.backend,
    ...(onEvent && { onEvent }),
    api: {
      json(method, path, body) {
        upkeep.touch()
        return signed(() => api.json(method, path, body))
      },
      async call(method, path, body) {
        upkeep.touch()
        await (await signed(() => api.call(method, path, body))).body?.cancel()
      },
    },
    files: {
      server: app.server,
      call(method, path, body, headers, signal) {
        upkeep.touch()
        return signed(() =>
          api.send(method, path, { headers, ...(body && { body }), ...(signal && { signal }) }),
        )
      },
    },
  })
  /** In the background; what fails here, the upkeep tries again and reports. */
  function answerSoon(): void {
    const now = app.clock()
    if (now - answeredAt < ANSWER_EVERY_MS) return
    answeredAt = now
    upkeep.alone(() => conversations.answerKeyRequests()).catch(() => {})
  }

  return {
    ...conversations,
    async create(created) {
      await upkeep.ready()
      return conversations.create(created)
    },
    async open(id) {
      await upkeep.ready()
      return conversations.open(id)
    },
    async decrypt(keyId, packet, options) {
      const message = await conversations.decrypt(keyId, packet, options)
      answerSoon()
      return message
    },
  }
}
