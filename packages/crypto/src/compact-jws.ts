import type { CryptoBackend, SigningKey, VerifyKey } from './backend.ts'
import { fromBase64url, toBase64url } from './base64url.ts'
import { KeyhavenError } from './error.ts'
import { fromUtf8, utf8 } from './utf8.ts'

const COMPACT_PARTS = 3
/** Default limit of a compact JWS, in characters. */
export const MAX_COMPACT_JWS_BYTES = 65_536

export interface JwsExpectation {
  /** The only `typ` accepted: a signature made for one purpose is not taken for another (RFC 8725 §3.11). */
  readonly typ: string
  /** @defaultValue {@link MAX_COMPACT_JWS_BYTES} */
  readonly maxBytes?: number
}

/**
 * Signs a JSON payload as a compact JWS (RFC 7515 §3.1; EdDSA: RFC 8037 §3.1).
 *
 * @param header - protected header without `alg`, which the key decides.
 */
export async function signCompactJws(
  backend: CryptoBackend,
  key: SigningKey,
  header: object,
  payload: object,
): Promise<string> {
  const protectedHeader = toBase64url(utf8(JSON.stringify({ ...header, alg: key.algorithm })))
  const input = `${protectedHeader}.${toBase64url(utf8(JSON.stringify(payload)))}`
  return `${input}.${toBase64url(await backend.signatures.sign(key, utf8(input)))}`
}

/**
 * Verifies a compact JWS made by {@link signCompactJws} and gives its payload.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID` on a wrong signature, algorithm, `typ`, a `crit` header (RFC 7515
 * §4.1.11: none is understood) or anything malformed; `WIRE_TOO_LARGE` over `maxBytes`.
 */
export async function verifyCompactJws(
  backend: CryptoBackend,
  key: VerifyKey,
  jws: string,
  expected: JwsExpectation,
): Promise<unknown> {
  const { header, parts } = split(jws, expected.maxBytes ?? MAX_COMPACT_JWS_BYTES)
  if (
    header.alg !== key.algorithm ||
    header.typ !== expected.typ ||
    'crit' in header ||
    header.b64 === false
  ) {
    throw invalid()
  }
  const signature = decoded(() => fromBase64url(parts[2]))
  const input = utf8(`${parts[0]}.${parts[1]}`)
  if (!(await backend.signatures.verify(key, signature, input))) throw invalid()
  return decoded(() => JSON.parse(fromUtf8(fromBase64url(parts[1]))))
}

/**
 * The protected header, not verified: use it only to find the key to verify with.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID` on anything malformed; `WIRE_TOO_LARGE` over `maxBytes`.
 */
export function decodeJwsHeader(
  jws: string,
  maxBytes: number = MAX_COMPACT_JWS_BYTES,
): Readonly<Record<string, unknown>> {
  return split(jws, maxBytes).header
}

interface SplitJws {
  readonly header: Readonly<Record<string, unknown>>
  readonly parts: readonly [string, string, string]
}

function split(jws: string, maxBytes: number): SplitJws {
  if (jws.length > maxBytes) throw new KeyhavenError('WIRE_TOO_LARGE', `JWS over ${maxBytes} bytes`)
  const parts = jws.split('.')
  if (parts.length !== COMPACT_PARTS) throw invalid()
  const header: unknown = decoded(() => JSON.parse(fromUtf8(fromBase64url(parts[0]!))))
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw invalid()
  return { header: header as Record<string, unknown>, parts: parts as [string, string, string] & string[] }
}

function decoded<T>(decode: () => T): T {
  try {
    return decode()
  } catch {
    throw invalid()
  }
}

function invalid(): KeyhavenError {
  return new KeyhavenError('SIGNATURE_INVALID', 'the signature is not valid')
}
