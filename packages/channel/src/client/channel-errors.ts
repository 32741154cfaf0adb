import { KeyhavenError } from '@keyhaven/crypto'
import type { UnsealedRefusal } from './trust-source.ts'

const RESULT_UNKNOWN_ADVICE =
  'the request may have run or not: ask the server for the outcome before you send it again'

/** An answer without a seal is shown by its status only: its text is anybody's. */
function described(refusal: UnsealedRefusal): string {
  return `HTTP ${refusal.status}, not authenticated`
}

/**
 * An unsealed answer that is neither an error of HTTP nor a sealed one: a captive portal, a redirect, a wrong
 * URL.
 */
export function notSealed(status: number): KeyhavenError {
  return new KeyhavenError(
    'GATEWAY_REFUSED',
    // Browsers hide the status of a redirect that is not followed.
    `the answer (${status === 0 ? 'a redirect' : `HTTP ${status}`}) is not sealed, so it was not used: ` +
      'something between the app and the gateway answered, such as the sign-in page of a network, or the URL is not a gateway',
  )
}

/** An unsealed 4xx, on the last attempt. */
export function refusedUnsealed(refusal: UnsealedRefusal, cause?: unknown): KeyhavenError {
  if (refusal.code === 'OPEN_FAILED') {
    return new KeyhavenError(
      'OPEN_FAILED',
      `the gateway could not open the request (${described(refusal)}): it was altered on the way`,
      { cause },
    )
  }
  return new KeyhavenError(
    'GATEWAY_REFUSED',
    `the gateway refused the request (${described(refusal)}), also after the manifest was refreshed: ` +
      'check the URL, the application id and the size of the request, or try from another network',
    { cause },
  )
}

export function pinnedKeysRefused(refusal: UnsealedRefusal): KeyhavenError {
  return new KeyhavenError(
    'KEY_REVOKED',
    `the gateway takes none of the keys that this app pins (${described(refusal)}): update the app to a ` +
      'version that pins the current key; if this is the newest version, try from another network',
  )
}

/** An upload from a stream is gone once it was sent. */
export function bodyConsumed(refusal: UnsealedRefusal): KeyhavenError {
  return new KeyhavenError(
    'GATEWAY_REFUSED',
    `the gateway refused the request (${described(refusal)}); its body was a stream that is consumed ` +
      'now, so it was not sent again: call fetch again with a new stream, or pass a Blob, which can be ' +
      'sent twice',
  )
}

/** An unsealed 5xx. */
export function gatewayUnavailable(status: number): KeyhavenError {
  return new KeyhavenError(
    'GATEWAY_UNAVAILABLE',
    `the gateway is not available (HTTP ${status}, not authenticated); the result is unknown: ` +
      `${RESULT_UNKNOWN_ADVICE}`,
  )
}

/** A sealed REPLAYED: the gateway has seen this request before, and its answer did not reach us. */
export function resultUnknown(): KeyhavenError {
  return new KeyhavenError(
    'RESULT_UNKNOWN',
    `the gateway had this request before, and that answer was lost: ${RESULT_UNKNOWN_ADVICE}`,
  )
}

export function clockResultUnknown(): KeyhavenError {
  return new KeyhavenError(
    'RESULT_UNKNOWN',
    "the device's clock is wrong and the request was refused for it, but it could have run before, or " +
      `could later: ${RESULT_UNKNOWN_ADVICE}. The clock is corrected for the next call`,
  )
}

export function clockSkew(): KeyhavenError {
  return new KeyhavenError(
    'CLOCK_SKEW',
    "the device's clock is wrong and the request was refused for it, without having run. The clock is " +
      'corrected now: send the request again, and set the clock of the device',
  )
}

export function answerUnopened(cause: unknown): KeyhavenError {
  return new KeyhavenError(
    'OPEN_FAILED',
    `the answer could not be opened: it was altered or cut on the way; ${RESULT_UNKNOWN_ADVICE}`,
    { cause },
  )
}
