import {
  type CryptoBackend,
  equalConstantTime,
  fromHex,
  fromUtf8,
  KeyhavenError,
  toHex,
  utf8,
} from '@keyhaven/crypto'
import { type JwsSigner, type JwsTrust, signDetachedJws, verifyDetachedJws } from '../mosip/jws.ts'

/**
 * Detached JWS (RS256, `x5c`, `typ` {@link EVENT_TYP}) over the body, by KERNEL/SIGN: who published it, for the
 * records too.
 */
export const EVENT_SIGNATURE_HEADER = 'signature'
const EVENT_TYP = 'keyhaven-event+jws'
/** WebSub §7: HMAC-SHA-256 of the body under the secret that the partner gave. MOSIP's clients check it. */
export const HUB_SIGNATURE_HEADER = 'x-hub-signature'
const HUB_METHOD = 'SHA256='
/** What an IDA is told of all authorities at once fits into it: 600 of them, and 40,000 revoked certificates. */
export const MAX_EVENT_BYTES = 4_194_304

/** The body of an event, as MOSIP's WebSub topics carry it (id-repository, credential-service). */
export interface IdentityEvent {
  /** UUID; a repeated delivery has the same. */
  readonly id: string
  readonly transactionId?: string
  readonly type?: { readonly name: string; readonly namespace: string }
  /** ISO 8601, UTC, milliseconds. */
  readonly timestamp: string
  readonly dataShareUri?: string
  readonly data: Readonly<Record<string, unknown>>
}

/** What is posted to a partner's webhook, as JSON. */
export interface EventModel {
  readonly publisher: string
  /** `PARTNER/CREDENTIAL_ISSUED` and such: names whom it is for. */
  readonly topic: string
  readonly publishedOn: string
  readonly event: IdentityEvent
}

/** {@link EVENT_SIGNATURE_HEADER} of a body. */
export function signEvent(signer: JwsSigner, body: Uint8Array): Promise<string> {
  return signDetachedJws(signer, body, { x5tS256: true, typ: EVENT_TYP })
}
/** Throws as `verifyDetachedJws`, also for what the same key has signed as something else. */
export async function verifyEvent(
  backend: CryptoBackend,
  { body, signature }: Pick<ReceivedEvent, 'body' | 'signature'>,
  trust: JwsTrust,
): Promise<void> {
  await verifyDetachedJws(backend, signature, body, { ...trust, typ: EVENT_TYP })
}

/** `X-Hub-Signature` of a body. */
export async function hubSignature(
  backend: CryptoBackend,
  secret: Uint8Array,
  body: Uint8Array,
): Promise<string> {
  return HUB_METHOD + toHex(await backend.hmacSha256(secret, body))
}

/** Whether `X-Hub-Signature` is that of the body; the method in any case of letters. */
export async function verifyHubSignature(
  backend: CryptoBackend,
  secret: Uint8Array,
  body: Uint8Array,
  header: string,
): Promise<boolean> {
  if (!header.toUpperCase().startsWith(HUB_METHOD)) return false
  try {
    const given = fromHex(header.slice(HUB_METHOD.length).toLowerCase())
    return equalConstantTime(given, await backend.hmacSha256(secret, body))
  } catch {
    return false
  }
}

export interface ReceivedEvent {
  readonly body: Uint8Array
  /** Header {@link EVENT_SIGNATURE_HEADER}. */
  readonly signature: string
  /** The partner that receives: an event for another one is refused. */
  readonly partnerId: string
}

/**
 * An event that came to a webhook: its signature, and that it is for this partner. Whether it came before is
 * for the receiver to see, by `event.id`.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID`, `WIRE_TOO_LARGE`, `WIRE_MALFORMED`, `ACCESS_DENIED` (for another
 *   partner).
 */
export async function openEvent(
  backend: CryptoBackend,
  { body, signature, partnerId }: ReceivedEvent,
  trust: JwsTrust,
): Promise<EventModel> {
  if (body.length > MAX_EVENT_BYTES) throw new KeyhavenError('WIRE_TOO_LARGE', 'the event is too long')
  await verifyEvent(backend, { body, signature }, trust)
  const model = parseModel(body)
  if (!model.topic.startsWith(`${partnerId}/`)) {
    throw new KeyhavenError('ACCESS_DENIED', 'the event is for another partner')
  }
  return model
}

export function encodeEvent(model: EventModel): Uint8Array {
  return utf8(JSON.stringify(model))
}

function parseModel(body: Uint8Array): EventModel {
  try {
    const model = JSON.parse(fromUtf8(body)) as EventModel
    const { publisher, topic, publishedOn, event } = model
    const texts = [publisher, topic, publishedOn, event.id, event.timestamp]
    if (texts.some((text) => typeof text !== 'string')) throw new Error('texts')
    if (typeof event.data !== 'object' || event.data === null) throw new Error('data')
    return model
  } catch {
    throw new KeyhavenError('WIRE_MALFORMED', 'this is no event')
  }
}
