import { KeyhavenError } from '@keyhaven/crypto'
import { type EnvelopeHead, mosipErrors, mosipResponse } from '@keyhaven/identity'
import { mosipJson } from '../mosip-answer.ts'

const STATUS_UNAVAILABLE = 503

/**
 * MOSIP's codes for our refusals. Whatever is wrong with a ciphertext has one code and one text, as its key
 * manager's own two, for the wrapped key and for the data, tell an attacker which of them he hit.
 */
const CODES: Readonly<Record<string, readonly [code: string, message: string]>> = {
  OPEN_FAILED: ['KER-CRY-003', 'the data is not valid, or not for this key'],
  WIRE_MALFORMED: ['KER-CRY-003', 'the data is not valid, or not for this key'],
  WIRE_TOO_LARGE: ['KER-CRY-004', 'the data is too long'],
  KEY_UNKNOWN: ['KER-KMS-002', 'there is no such applicationId and referenceId'],
  ACCESS_DENIED: ['KER-KMS-010', 'this key is not meant for it'],
  CERTIFICATE_INVALID: ['KER-JWS-107', 'the certificate is not valid'],
  SIGNATURE_INVALID: ['KER-JWS-106', 'the signature is not valid'],
}

export function answerMosip(response: unknown, now: number, head: EnvelopeHead): Response {
  return mosipJson(mosipResponse(response, now, head))
}

/**
 * A refusal as MOSIP's services answer it: status 200, the code in `errors`.
 *
 * @returns undefined for a fault of ours: it is not the caller's to know.
 */
export function refuseMosip(error: unknown, now: number, head: EnvelopeHead): Response | undefined {
  if (!(error instanceof KeyhavenError)) return undefined
  if (error.code === 'INPUT_INVALID') return refuse('KER-CRY-004', error.message, now, head)
  const known = CODES[error.code]
  if (known !== undefined) return refuse(known[0], known[1], now, head)
  if (error.code !== 'STORE_UNAVAILABLE') return undefined
  return refuse('KER-KMS-500', 'try again later', now, head, STATUS_UNAVAILABLE)
}

function refuse(
  errorCode: string,
  message: string,
  now: number,
  head?: EnvelopeHead,
  status = 200,
): Response {
  return mosipJson(mosipErrors([{ errorCode, message }], now, head), status)
}
