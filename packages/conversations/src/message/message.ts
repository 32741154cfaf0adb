import { type CryptoBackend, KeyhavenError, toBase64url, type VerifyKey } from '@keyhaven/crypto'
import type { DeviceSigner, DeviceVerifyKey } from '@keyhaven/messaging'
import { decodeFrame, encodeFrame, type Message, type SignedMessage, writeSigned } from './frame.ts'
import { MESSAGE_ID_BYTES } from './limits.ts'
import { type ConversationKey, openPacket, sealPacket } from './packet.ts'

/** Imported once for each backend and JWK object: look-ups are kept, so their keys are met again. */
const imported = new WeakMap<CryptoBackend, WeakMap<object, VerifyKey>>()

export function newMessageId(backend: Pick<CryptoBackend, 'randomBytes'>): string {
  return toBase64url(backend.randomBytes(MESSAGE_ID_BYTES))
}

/**
 * Signs a message with the device's recorded key and seals it.
 *
 * @returns the packet: what `<encrypted objectid=KEY>` carries, before base64.
 * @throws KeyhavenError `SUITE_REFUSED` for a legacy device; `WIRE_TOO_LARGE` over 192 KiB of content;
 * `WIRE_MALFORMED`.
 */
export async function sealMessage(
  backend: CryptoBackend,
  signer: DeviceSigner,
  key: ConversationKey,
  message: Message,
): Promise<Uint8Array> {
  if (signer.algorithm === 'RS256') throw legacyRefused()
  const { signed, bodyAt } = writeSigned(key, message)
  const signature = signer.sign(signed)
  const signatureBytes = signature instanceof Promise ? await signature : signature
  return sealPacket(backend, key, encodeFrame(signatureBytes, signed.subarray(bodyAt)))
}

/**
 * Opens a packet. Whose message it is, is known only after {@link verifyMessage} with the key that the
 * directory has for its device at its time.
 *
 * @throws KeyhavenError `OPEN_FAILED`; `WIRE_MALFORMED`, `WIRE_TOO_LARGE`, `SUITE_REFUSED`.
 */
export async function openMessage(
  backend: CryptoBackend,
  key: ConversationKey,
  packet: Uint8Array,
): Promise<SignedMessage> {
  return decodeFrame(key, await openPacket(backend, key, packet))
}

/**
 * @param verifyKey - of the device and entry that the message names, valid at its time.
 * @throws KeyhavenError `SIGNATURE_INVALID`; `SUITE_REFUSED` on a legacy key.
 */
export async function verifyMessage(
  backend: CryptoBackend,
  verifyKey: DeviceVerifyKey,
  message: SignedMessage,
): Promise<void> {
  const { algorithm, jwk } = verifyKey
  if (algorithm === 'RS256') throw legacyRefused()
  let keys = imported.get(backend)
  if (!keys) {
    keys = new WeakMap()
    imported.set(backend, keys)
  }
  let key = keys.get(jwk)
  if (!key) {
    key = await backend.signatures.importVerifyKey(algorithm, jwk)
    keys.set(jwk, key)
  }
  const valid =
    key.algorithm === algorithm && backend.signatures.verify(key, message.signature, message.signed)
  if (!(valid instanceof Promise ? await valid : valid)) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'the message is not from the device that it names')
  }
}

function legacyRefused(): KeyhavenError {
  return new KeyhavenError('SUITE_REFUSED', 'a device of this profile signs nothing in conversations')
}
