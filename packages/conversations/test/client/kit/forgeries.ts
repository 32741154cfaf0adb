import { fromBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { APPLICATION } from '../../../../messaging/test/kit/test-directory.ts'
import {
  commitmentOfKey,
  newKeyId,
  newMessageId,
  recipientsRoot,
  sealMessage,
  signKeyAnnouncement,
  wrapConversationKey,
} from '../../../src/index.ts'
import type { Author } from '../../../src/membership/author.ts'
import type { TestDevice, World } from './world.ts'

/** A device as the author of what it signs. @param sequence - an older place in its chain. */
export async function authorOf(world: World, { keys }: TestDevice, at?: Author): Promise<Author> {
  const { username, device } = keys
  if (at) return { ...at, username, device, entry: keys.entry! }
  const { chain, head, sequence } = await world.directory.state(username)
  return { username, device, entry: keys.entry!, chain, head: head!, sequence }
}

/** A message as its sender should not make it, under a managed key. @param signer - in place of its own key. */
export async function forgedMessage(
  world: World,
  by: TestDevice,
  keyId: string,
  over: object = {},
  signer = by.keys.signingKey,
) {
  const stored = world.server.keys.get(keyId)!
  const { conversation, membership } = stored.common
  const key = {
    ...{ application: APPLICATION, conversation, key: keyId, algorithm: 'A256GCM' as const },
    bytes: fromBase64url(stored.managed!),
  }
  return sealMessage(nodeBackend, signer, key, {
    ...{ kind: 'text' as const, username: by.username, device: by.keys.device, entry: by.keys.entry! },
    ...{ membership, id: newMessageId(nodeBackend), time: world.clock(), content: new Uint8Array([65]) },
    ...over,
  })
}

/** A sealed key that a server shows as the current one, though it would have refused it. @returns its id. */
export async function smuggledKey(
  world: World,
  by: TestDevice,
  conversation: string,
  to: readonly TestDevice[],
  { issued, author }: { readonly issued: number; readonly author: Author },
): Promise<string> {
  const { state, currentKey } = world.server.conversations.get(conversation)!
  const secret = nodeBackend.randomBytes(32)
  const membership = { sequence: state.sequence, head: state.head }
  const listed = to.map(({ username, keys }) => {
    const { thumbprint } = keys.encryptionKey
    return { username, device: keys.device, thumbprint }
  })
  const unnamed = {
    ...{ application: APPLICATION, conversation, algorithm: 'A256GCM' as const, membership, issued },
    ...{ by: author, recipients: await recipientsRoot(nodeBackend, listed) },
  }
  const { key: id, nonce } = await newKeyId(nodeBackend, unnamed)
  const context = { application: APPLICATION, conversation, key: id }
  const recipients = await Promise.all(
    to.map(async ({ username, keys }) => {
      const { thumbprint, publicJwk } = keys.encryptionKey
      const recipient = { username, device: keys.device, thumbprint }
      const wrapContext = { ...context, from: by.keys.device, to: recipient }
      return { ...recipient, wrapped: await wrapConversationKey(nodeBackend, publicJwk, wrapContext, secret) }
    }),
  )
  const commitment = await commitmentOfKey(nodeBackend, context, secret)
  const announced = { ...unnamed, key: id, nonce, commitment }
  const announcement = await signKeyAnnouncement(by.keys.signingKey, announced)
  const { common } = world.server.keys.get(currentKey!)!
  world.server.keys.set(id, {
    ...{
      common: { ...common, id, membership, createdBy: { username: by.username, device: by.keys.device } },
    },
    ...{ upload: { announcement, recipients }, shares: new Map(), requests: new Set() },
  })
  world.server.conversations.get(conversation)!.currentKey = id
  return id
}
