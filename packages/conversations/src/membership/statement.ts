import { type Awaitable, type CryptoBackend, fromBase64url, fromUtf8, KeyhavenError } from '@keyhaven/crypto'
import { type DeviceSigner, type DeviceVerifyKey, signDeviceJws, verifyDeviceJws } from '@keyhaven/messaging'

const COMPACT_PARTS = 3
/** RS256 is not among them: a legacy device signs nothing here. */
const ALGORITHMS: readonly unknown[] = ['EdDSA', 'PS256']

/** What a device signs about a conversation: a compact JWS (RFC 7515 §3.1), header exactly `{alg, typ}`. */
export interface StatementForm {
  readonly typ: string
  /** Characters. */
  readonly maxBytes: number
}

/**
 * @throws KeyhavenError `SUITE_REFUSED` for a legacy device.
 * @throws TypeError if it comes out longer than it may be.
 */
export async function signStatement(
  signer: DeviceSigner,
  form: StatementForm,
  payload: object,
): Promise<string> {
  requireAlgorithm(signer.algorithm)
  const jws = await signDeviceJws(signer, form.typ, payload)
  if (jws.length > form.maxBytes) throw new TypeError(`${form.typ} over ${form.maxBytes} characters`)
  return jws
}

/**
 * The payload, NOT verified. One value has one text: header and payload are JSON exactly as `JSON.stringify`
 * writes it.
 *
 * @throws KeyhavenError `WIRE_TOO_LARGE` over the limit, before anything is decoded; `WIRE_MALFORMED`;
 * `SUITE_REFUSED` on an algorithm that is not accepted here.
 */
export function openStatement(jws: unknown, form: StatementForm): unknown {
  if (typeof jws !== 'string') throw malformedStatement()
  if (jws.length > form.maxBytes) throw new KeyhavenError('WIRE_TOO_LARGE', `${form.typ} is too long`)
  const parts = jws.split('.')
  if (parts.length !== COMPACT_PARTS) throw malformedStatement()
  const header = exactJson(parts[0]!)
  if (typeof header !== 'object' || header === null) throw malformedStatement()
  const { alg, typ } = header as { alg?: unknown; typ?: unknown }
  if (typ !== form.typ || Object.keys(header).join() !== 'alg,typ') throw malformedStatement()
  requireAlgorithm(alg)
  fromBase64url(parts[2]!)
  return exactJson(parts[1]!)
}

/**
 * @throws KeyhavenError `SIGNATURE_INVALID` unless this key signed it; `SUITE_REFUSED` on a legacy key;
 * `WIRE_TOO_LARGE`.
 */
export async function requireSignature(
  backend: CryptoBackend,
  key: Awaitable<DeviceVerifyKey>,
  jws: string,
  form: StatementForm,
): Promise<void> {
  const verifyKey = await key
  requireAlgorithm(verifyKey.algorithm)
  await verifyDeviceJws(backend, verifyKey, jws, form)
}

function requireAlgorithm(algorithm: unknown): void {
  if (ALGORITHMS.includes(algorithm)) return
  throw new KeyhavenError('SUITE_REFUSED', 'a device of this profile signs nothing in conversations')
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function exactJson(base64url: string): unknown {
  return parseExactJson(fromUtf8(fromBase64url(base64url)))
}

/** JSON exactly as `JSON.stringify` writes it. @throws KeyhavenError `WIRE_MALFORMED` */
export function parseExactJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformedStatement()
  }
  if (JSON.stringify(value) !== text) throw malformedStatement()
  return value
}

function malformedStatement(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'the statement is not well-formed')
}
