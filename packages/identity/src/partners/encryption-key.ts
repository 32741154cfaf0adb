import {
  type CryptoBackend,
  fromBase64url,
  fromUtf8,
  KeyhavenError,
  toBase64url,
  toHex,
} from '@keyhaven/crypto'
import { type JwsSigner, signJwt, verifyJwt } from '../mosip/jws.ts'
import type { Certificate } from '../x509/certificate.ts'

/** Binds the statement to its purpose: it is taken for nothing else. */
const PURPOSE = 'keyhaven partner encryption key v1'

/**
 * Profile `keyhaven`: a partner's HPKE key (x-wing), signed by the key of its certificate.
 *
 * @param publicKey - as HPKE serialises it, 1,216 bytes.
 * @returns a compact JWS.
 */
export function signEncryptionKey(
  signer: JwsSigner,
  partnerId: string,
  publicKey: Uint8Array,
): Promise<string> {
  const payload = { purpose: PURPOSE, partner: partnerId, kem: 'x-wing', key: toBase64url(publicKey) }
  return signJwt(signer, JSON.stringify(payload))
}

/**
 * @param certificate - the partner's, whose chain was checked; the statement must be signed by its key.
 * @returns the public key.
 * @throws KeyhavenError `SIGNATURE_INVALID`
 */
export async function verifyEncryptionKey(
  backend: CryptoBackend,
  statement: string,
  partnerId: string,
  certificate: Certificate,
): Promise<Uint8Array> {
  const { payload } = await verifyJwt(backend, statement, {
    trust: ([signer]) => requireSame(signer, certificate),
    certificate,
  })
  try {
    const said = JSON.parse(fromUtf8(payload)) as Record<string, unknown>
    if (said.purpose !== PURPOSE || said.partner !== partnerId || said.kem !== 'x-wing')
      throw new Error('claims')
    return (await backend.kem.importPublicKey('x-wing', fromBase64url(said.key as string))).bytes
  } catch (cause) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'the statement names no encryption key of this partner', {
      cause,
    })
  }
}

/** @throws KeyhavenError `SIGNATURE_INVALID` unless it is the very same certificate. */
export function requireSame(signer: Certificate, certificate: Certificate): void {
  if (toHex(signer.thumbprint) !== toHex(certificate.thumbprint)) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'it is signed by another certificate’s key')
  }
}
