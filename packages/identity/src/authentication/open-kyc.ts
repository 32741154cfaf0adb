import { backend, fromUtf8, openFailed, overwrite } from '@keyhaven/crypto'
import { fromAnyBase64 } from '../mosip/base64.ts'
import { fromHexDigest } from '../mosip/digest.ts'
import { type SessionKeyOpener, unwrapOrRandom } from '../mosip/session-key.ts'
import { openWithTrailingIv } from '../mosip/trailing-iv.ts'
import type { KycResponse } from './auth-messages.ts'

/**
 * Opens the attributes of an eKYC answer with the partner's key.
 *
 * @throws KeyhavenError `OPEN_FAILED`, whatever is wrong.
 */
export async function openKycIdentity(
  keys: SessionKeyOpener,
  { sessionKey, identity, thumbprint }: KycResponse,
): Promise<Readonly<Record<string, unknown>>> {
  if (sessionKey === null || identity === null || thumbprint === null) throw openFailed()
  let key: Uint8Array | undefined
  try {
    key = await unwrapOrRandom(backend, keys, fromHexDigest(thumbprint), fromAnyBase64(sessionKey))
    const text = await openWithTrailingIv(backend, key, fromAnyBase64(identity))
    return JSON.parse(fromUtf8(text)) as Record<string, unknown>
  } catch {
    throw openFailed()
  } finally {
    if (key) overwrite(key)
  }
}
