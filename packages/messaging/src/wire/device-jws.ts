import {
  type CryptoBackend,
  decodeJwsHeader,
  fromBase64url,
  fromUtf8,
  KeyhavenError,
  toBase64url,
  utf8,
  type VerifyKey,
  verifyCompactJws,
} from '@keyhaven/crypto'
import type { DeviceSigner, DeviceVerifyKey } from '../directory-port.ts'

/** Imported once for each JWK object: look-ups are kept, so their keys are met again. */
const imported = new WeakMap<object, VerifyKey>()

/** Signs a payload as a compact JWS (RFC 7515 §3.1) with a device's signing key. */
export async function signDeviceJws(signer: DeviceSigner, typ: string, payload: object): Promise<string> {
  const header = toBase64url(utf8(JSON.stringify({ alg: signer.algorithm, typ })))
  const input = `${header}.${toBase64url(utf8(JSON.stringify(payload)))}`
  return `${input}.${toBase64url(await signer.sign(utf8(input)))}`
}

/** @throws KeyhavenError `SIGNATURE_INVALID`, `WIRE_TOO_LARGE` */
export async function verifyDeviceJws(
  backend: CryptoBackend,
  key: DeviceVerifyKey,
  jws: string,
  expected: { typ: string; maxBytes: number },
): Promise<unknown> {
  const { algorithm } = key
  if (algorithm !== 'RS256') {
    let verifyKey = imported.get(key.jwk)
    if (!verifyKey) {
      verifyKey = await backend.signatures.importVerifyKey(algorithm, key.jwk)
      imported.set(key.jwk, verifyKey)
    }
    if (verifyKey.algorithm !== algorithm) throw invalid()
    return verifyCompactJws(backend, verifyKey, jws, expected)
  }
  const header = decodeJwsHeader(jws, expected.maxBytes)
  if (header.alg !== 'RS256' || header.typ !== expected.typ || 'crit' in header || header.b64 === false) {
    throw invalid()
  }
  const at = jws.lastIndexOf('.')
  let signature: Uint8Array
  try {
    signature = fromBase64url(jws.slice(at + 1))
  } catch {
    throw invalid()
  }
  if (!(await backend.legacyRsa.verifySha256(key.jwk, signature, utf8(jws.slice(0, at))))) throw invalid()
  return unverifiedPayload(jws)
}

/** The payload, not verified: only to find the key to verify with. */
export function unverifiedPayload(jws: string): unknown {
  const parts = jws.split('.')
  try {
    return JSON.parse(fromUtf8(fromBase64url(parts[1]!)))
  } catch {
    throw invalid()
  }
}

function invalid(): KeyhavenError {
  return new KeyhavenError('SIGNATURE_INVALID', 'the signature is not valid')
}
