import { backend, fromBase64url, fromUtf8 } from '@keyhaven/crypto'
import { type EncryptionKeyRecord, fromRecord, importEncryptionKey } from '../../src/device/key-record.ts'
import { ARCHIVE_PREFIX, decodeArchivedKey } from '../../src/history/archive.ts'
import type { MessagingStore } from '../../src/index.ts'
import { MessageOpener } from '../../src/messenger/message-opener.ts'
import { messageAead } from '../../src/session/profiles.ts'
import { firstChainKey, ratchetStep } from '../../src/session/ratchet.ts'
import { CHAIN_PREFIX, decodeReceivingChain } from '../../src/session/receiving-record.ts'
import { decodeEnvelope, type Envelope } from '../../src/wire/envelope.ts'
import { readNegotiation } from '../../src/wire/negotiation.ts'
import { unwrapKey, wrapInfo } from '../../src/wire/wrapped-key.ts'

const ENCRYPTION_PREFIX = 'device/encryption/'

/** First chain key of the session that an envelope negotiates, as the holder of a private key finds it. */
export async function negotiatedChain(
  envelope: Envelope,
  key: Awaited<ReturnType<typeof importEncryptionKey>>,
): Promise<Uint8Array | undefined> {
  const { application, session, negotiation } = envelope
  if (!negotiation) return undefined
  const { sender, recipients } = readNegotiation(negotiation.jws)
  for (const recipient of recipients.filter((recipient) => recipient.key === key.thumbprint)) {
    const info = wrapInfo({ application, session, sender, recipient })
    const sessionKey = await unwrapKey(backend, key, info, negotiation.keys[recipient.device]!)
    return firstChainKey(backend, sessionKey, application, session)
  }
  return undefined
}

/** Message keys of a chain from one number up to another, with the chain keys passed. */
export async function keysOfChain(
  from: Uint8Array,
  count: number,
): Promise<{ readonly chainKeys: Uint8Array[]; readonly messageKeys: Uint8Array[] }> {
  const chainKeys = [from]
  const messageKeys: Uint8Array[] = []
  for (let n = 0; n < count; n++) {
    const { messageKey, nextChainKey } = await ratchetStep(backend, chainKeys[n]!)
    messageKeys.push(messageKey)
    chainKeys.push(nextChainKey)
  }
  return { chainKeys, messageKeys }
}

/**
 * What a thief reads of recorded envelopes who has the opened store and obeys no rule: no clock, no grace, no mark
 * of what was read, no directory. Private encryption keys, receiving chains, keys of late messages and the archive
 * are all used.
 *
 * @returns the texts, in the order of the recording.
 */
export async function openStolen(store: MessagingStore, recording: readonly string[]): Promise<string[]> {
  const texts: string[] = []
  for (const text of recording) {
    const envelope = decodeEnvelope(text)
    for (const messageKey of await candidates(store, envelope)) {
      const { profile } = readNegotiation(envelope.negotiation!.jws)
      const key = { from: envelope.from, aead: messageAead(profile), messageKey, at: 0 }
      const read = await readUnder(envelope, key)
      if (read !== undefined) texts.push(read)
    }
  }
  return [...new Set(texts)]
}

async function readUnder(
  envelope: Envelope,
  key: Parameters<MessageOpener['open']>[1],
): Promise<string | undefined> {
  try {
    return fromUtf8((await new MessageOpener({ backend }).open(envelope, key)).body)
  } catch {
    return undefined
  }
}

async function candidates(store: MessagingStore, envelope: Envelope): Promise<Uint8Array[]> {
  const found: Uint8Array[] = []
  for (const name of await store.list('')) {
    const { value } = (await store.get(name))!
    if (name.startsWith(ENCRYPTION_PREFIX)) {
      const key = await importEncryptionKey(backend, fromRecord<EncryptionKeyRecord>(value))
      const chainKey = await negotiatedChain(envelope, key)
      if (chainKey) found.push((await keysOfChain(chainKey, envelope.n + 1)).messageKeys[envelope.n]!)
    } else if (name.startsWith(ARCHIVE_PREFIX)) {
      found.push(decodeArchivedKey(value).messageKey)
    } else if (name.startsWith(CHAIN_PREFIX)) {
      const { chainKey, next, skipped } = decodeReceivingChain(value)
      found.push(...skipped.values())
      // The chain of whatever session: the ciphertext tells.
      found.push(...(await keysOfChain(chainKey, Math.max(envelope.n - next, 0) + 1)).messageKeys)
    }
  }
  return found
}

/** Every way in which bytes may lie in a value: as they are, in base64url, base64 and hexadecimal. */
export function liesIn(value: Uint8Array, secret: Uint8Array): boolean {
  const bytes = Buffer.from(value)
  const raw = Buffer.from(secret)
  const forms = [raw, ...(['base64url', 'base64', 'hex'] as const).map((form) => raw.toString(form))]
  return forms.some((form) => bytes.includes(form))
}

/** A private part of a JWK, as bytes. */
export function privateBytes(value: Uint8Array): Uint8Array {
  const { privateJwk } = fromRecord<EncryptionKeyRecord>(value)
  return fromBase64url((privateJwk.d ?? privateJwk.priv) as string)
}
