import { type CryptoBackend, KeyhavenError, type SigningKey, signCompactJws } from '@keyhaven/crypto'
import { decodeDelegation } from './delegation.ts'
import { MANIFEST_MAX_BYTES, MANIFEST_TYP, type Manifest, readManifest } from './manifest.ts'
import { invalid } from './read-payload.ts'

/**
 * Signs a manifest with the key that a delegation names. Refuses what no client would accept.
 *
 * @param delegation - compact JWS of {@link signDelegation}; it travels in the manifest's header.
 * @returns compact JWS (RFC 7515 §7.1), body of `GET …/manifest`.
 * @throws KeyhavenError `MANIFEST_INVALID` if a member is malformed, or if application, epoch, key or end do
 *   not fit the delegation; `WIRE_TOO_LARGE`.
 */
export async function signManifest(
  backend: CryptoBackend,
  manifestKey: SigningKey,
  delegation: string,
  manifest: Manifest,
): Promise<string> {
  const payload = readManifest(manifest)
  if (payload.keys.length !== manifest.keys.length)
    throw invalid('a key of the manifest has an unknown suite')
  const { delegation: delegated } = decodeDelegation(delegation)
  if (delegated.application !== payload.application)
    throw invalid('the delegation is for another application')
  if (delegated.epoch !== payload.epoch) throw invalid('the delegation is for another epoch')
  if (delegated.key.x !== manifestKey.publicKey.jwk.x)
    throw invalid('the delegation names another manifest key')
  if (payload.expires > delegated.expires) throw invalid('a manifest may not outlive its delegation')
  const jws = await signCompactJws(backend, manifestKey, { typ: MANIFEST_TYP, delegation }, payload)
  if (jws.length > MANIFEST_MAX_BYTES) {
    throw new KeyhavenError('WIRE_TOO_LARGE', `a manifest over ${MANIFEST_MAX_BYTES} bytes`)
  }
  return jws
}
