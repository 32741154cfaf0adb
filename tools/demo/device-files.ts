import { createChannel } from '@keyhaven/channel'
import { type ConversationFiles, createConversationFiles } from '@keyhaven/conversations'
import { backend, type ErrorCode, KeyhavenError } from '@keyhaven/crypto'
import { signDeviceRequest } from '@keyhaven/directory'
import { openDeviceKeys } from '@keyhaven/messaging'
import { sqliteStore } from '@keyhaven/sdk/node'
import type { ChatDevice, ConversationScene } from './conversations-scene.ts'

const APPLICATION = 'demo'

/** Files of a conversation: calls inside the channel, signed with the device's own key from its store. */
export async function filesOf(
  { line, server, opened }: ConversationScene,
  device: ChatDevice,
  conversation: string,
): Promise<ConversationFiles> {
  const store = await sqliteStore({ path: device.store })
  opened.push({ close: () => store.close?.() })
  const keys = await openDeviceKeys({ store })
  if (keys === undefined) throw new Error('there is no device in the store')
  const rootThumbprints = [...server.rootThumbprints] as [string, string]
  const channel = createChannel({ url: line.url, applicationId: APPLICATION, trust: { rootThumbprints } })
  opened.push(channel)
  return createConversationFiles({
    server: line.url,
    conversation,
    async call(method, path, body, headers, signal) {
      const init = { method, headers: { ...headers }, ...(body && { body }), ...(signal && { signal }) }
      const answer = await channel.signedFetch(path, init, (request) =>
        signDeviceRequest(
          { backend, application: APPLICATION, device: keys.device, key: keys.requestKey, clock: Date.now },
          request,
        ),
      )
      if (answer.ok) return answer
      const { code } = (await answer.json()) as { code: ErrorCode }
      throw new KeyhavenError(code, 'the server has refused it')
    },
  })
}
