import { type ConversationKey, openMessage } from '@keyhaven/conversations'
import { backend, type CryptoBackend } from '@keyhaven/crypto'

const KEY_BYTES = 32

/**
 * The cryptography of a device, with somebody who looks over its shoulder and writes down each 32 random
 * bytes that it takes. An app gives no key away; to search for one, the demo has to know it.
 */
export function watchedBackend(): { readonly backend: CryptoBackend; readonly randoms: Uint8Array[] } {
  const randoms: Uint8Array[] = []
  return {
    randoms,
    backend: {
      ...backend,
      randomBytes(length) {
        const bytes = backend.randomBytes(length)
        if (length === KEY_BYTES) randoms.push(Uint8Array.from(bytes))
        return bytes
      },
    },
  }
}

/** Which of them is the key: the one that opens a message. */
export async function keyAmong(
  candidates: readonly Uint8Array[],
  key: Omit<ConversationKey, 'bytes'>,
  packet: string,
): Promise<Uint8Array | undefined> {
  for (const bytes of candidates) {
    const opened = openMessage(backend, { ...key, bytes }, Buffer.from(packet, 'base64'))
    if (await opened.then(() => true).catch(() => false)) return bytes
  }
  return undefined
}
