import type { KeyPlace, KeyVault } from '@keyhaven/conversations/service'
import { KeyhavenError } from '@keyhaven/crypto'
import type { KeyWrapper, WrapContext } from '@keyhaven/keys'

/** The part of an object store that keys need. */
export interface KeyObjects {
  put(name: string, bytes: Uint8Array): Promise<void>
  get(name: string): Promise<Uint8Array | undefined>
  delete(name: string): Promise<void>
}

/** What a conversation's key is bound to in its wrapping. */
export function conversationKeyContext({ application, conversation, key }: KeyPlace): WrapContext {
  return { purpose: 'conversation-key', applicationId: application, id: `${conversation}/${key}` }
}

/** Name of the object that holds a wrapped key. */
export function keyObjectName({ application, conversation, key }: KeyPlace): string {
  return `keys/${application}/${conversation}/${key}`
}

/**
 * Managed keys under the master key.
 *
 * @param objects - where new ones lie; undefined: in the database. Old ones stay where they are.
 */
export function createKeyVault(
  wrapper: KeyWrapper,
  objects?: () => Promise<KeyObjects>,
  isDefault = false,
): KeyVault {
  return {
    async wrap(place, key) {
      const wrapped = await wrapper.wrap(key, conversationKeyContext(place))
      const masterKeyId = wrapper.masterKeyIdOf(wrapped)
      if (objects === undefined || !isDefault) return { in: 'database', wrapped, masterKeyId }
      await (await objects()).put(keyObjectName(place), wrapped)
      return { in: 'objects', masterKeyId }
    },
    unwrap(place, secret) {
      const context = conversationKeyContext(place)
      if (secret.in === 'database') return wrapper.unwrap(secret.wrapped, context)
      return fetchKey(place).then((wrapped) => wrapper.unwrap(wrapped, context))
    },
  }

  async function fetchKey(place: KeyPlace): Promise<Uint8Array> {
    const wrapped = objects && (await (await objects()).get(keyObjectName(place)))
    if (wrapped === undefined) {
      throw new KeyhavenError('STORE_UNAVAILABLE', 'a wrapped key is not in the object store')
    }
    return wrapped
  }
}
