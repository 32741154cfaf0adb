import { fromBase64url, KeyhavenError, toBase64url } from '@keyhaven/crypto'

/**
 * Fields of ours, inside the seal only. All of them begin with this; the gateway takes them out of a request
 * before the handler sees it, and out of the handler's response.
 */
export const OWN_FIELD_PREFIX = 'x-keyhaven-'
/** 16 random bytes, base64url. Kept on a retry. */
export const REQUEST_ID_FIELD = 'x-keyhaven-request-id'
/** {@link ClientInfo}. */
export const CLIENT_FIELD = 'x-keyhaven-client'
/** Time of the first attempt, IMF-fixdate. Kept on a retry, except after a clock refusal. */
export const DATE_FIELD = 'date'
/**
 * In a response: the code of an error that the gateway itself answers inside the seal. Without this field an
 * answer is the handler's, whatever its body says.
 */
export const ERROR_FIELD = 'x-keyhaven-error'

export const REQUEST_ID_BYTES = 16

/** Which installation of which app asks. */
export interface ClientInfo {
  readonly installationId: string
  readonly appVersion: string
  readonly sdkVersion: string
  /** How it knows the server's key. */
  readonly trust: 'manifest' | 'pinned'
}

const TOKEN = /^[A-Za-z0-9._+-]{1,64}$/
const CLIENT =
  /^id=([A-Za-z0-9._+-]{1,64}); app=([A-Za-z0-9._+-]{1,64}); sdk=([A-Za-z0-9._+-]{1,64}); trust=(manifest|pinned)$/
const REQUEST_ID = /^[A-Za-z0-9_-]{21}[AQgw]$/

/** `id=…; app=…; sdk=…; trust=…`. @throws TypeError on a part that is no token of 1 to 64 characters. */
export function encodeClientInfo(info: ClientInfo): string {
  for (const token of [info.installationId, info.appVersion, info.sdkVersion]) {
    if (!TOKEN.test(token)) throw new TypeError('client information must be tokens of 1 to 64 characters')
  }
  return `id=${info.installationId}; app=${info.appVersion}; sdk=${info.sdkVersion}; trust=${info.trust}`
}

/** @throws KeyhavenError `WIRE_MALFORMED` on anything that {@link encodeClientInfo} does not write. */
export function decodeClientInfo(text: string): ClientInfo {
  const match = CLIENT.exec(text)
  if (match === null) throw new KeyhavenError('WIRE_MALFORMED', CLIENT_FIELD)
  const [, installationId, appVersion, sdkVersion, trust] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
  ]
  return { installationId, appVersion, sdkVersion, trust: trust as ClientInfo['trust'] }
}

/** @param random - 16 random bytes. */
export function encodeRequestId(random: Uint8Array): string {
  if (random.length !== REQUEST_ID_BYTES) throw new TypeError('a request id has 16 bytes')
  return toBase64url(random)
}

/**
 * @returns the id as text, checked. @throws KeyhavenError `WIRE_MALFORMED` unless it is 16 bytes in
 * base64url.
 */
export function checkRequestId(text: string): string {
  if (!REQUEST_ID.test(text)) throw new KeyhavenError('WIRE_MALFORMED', REQUEST_ID_FIELD)
  return text
}

/** @throws KeyhavenError `WIRE_MALFORMED`. */
export function decodeRequestId(text: string): Uint8Array {
  return fromBase64url(checkRequestId(text))
}
