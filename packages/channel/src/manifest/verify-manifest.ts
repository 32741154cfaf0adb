import { type CryptoBackend, decodeJwsHeader, KeyhavenError, verifyCompactJws } from '@keyhaven/crypto'
import { requireSize, type TrustExpectation, verifyDelegation } from './delegation.ts'
import {
  compareManifests,
  MANIFEST_MAX_BYTES,
  MANIFEST_TYP,
  type Manifest,
  type ManifestPosition,
  readManifest,
} from './manifest.ts'
import { invalid, readObject } from './read-payload.ts'

export interface ManifestExpectation extends TrustExpectation {
  /** The newest position seen so far. The same position again is accepted, an older one is not. */
  readonly newerThan?: ManifestPosition | undefined
}

/**
 * Verifies a manifest and the delegation in its header, down from the root thumbprints that an app ships.
 *
 * @returns the payload; keys of unknown suites are left out.
 * @throws KeyhavenError `SIGNATURE_INVALID`, `MANIFEST_INVALID` (malformed, another application, does not fit
 *   its delegation), `MANIFEST_EXPIRED`, `MANIFEST_ROLLED_BACK` (older than `newerThan`), `UNSUPPORTED` (no
 *   known suite), `WIRE_TOO_LARGE`.
 */
export async function verifyManifest(
  backend: CryptoBackend,
  jws: string,
  expected: ManifestExpectation,
): Promise<Manifest> {
  requireSize(jws, MANIFEST_MAX_BYTES)
  const header = readObject(decodeJwsHeader(jws, MANIFEST_MAX_BYTES), 'manifest header')
  if (typeof header.delegation !== 'string') throw invalid('the manifest carries no delegation')
  const delegation = await verifyDelegation(backend, header.delegation, expected)
  const manifestKey = await backend.signatures.importVerifyKey('EdDSA', delegation.key)
  const payload = await verifyCompactJws(backend, manifestKey, jws, {
    typ: MANIFEST_TYP,
    maxBytes: MANIFEST_MAX_BYTES,
  })
  const manifest = readManifest(payload)
  if (manifest.application !== expected.application) throw invalid('the manifest is for another application')
  if (manifest.epoch !== delegation.epoch) throw invalid('manifest and delegation differ in epoch')
  if (manifest.expires > delegation.expires) throw invalid('the manifest outlives its delegation')
  if (expected.now >= manifest.expires) {
    throw new KeyhavenError(
      'MANIFEST_EXPIRED',
      'the manifest has expired: fetch a new one, and check the clock',
    )
  }
  if (expected.newerThan !== undefined && compareManifests(manifest, expected.newerThan) < 0) {
    throw new KeyhavenError('MANIFEST_ROLLED_BACK', 'the manifest is older than one that was seen before')
  }
  return manifest
}
