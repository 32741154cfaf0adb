import { KeyhavenError, openFailed } from '@keyhaven/crypto'
import { fromAnyBase64 } from '../../mosip/base64.ts'
import type { SessionKeyOpener } from '../../mosip/session-key.ts'
import { POOL_KEY_BYTES } from '../../vault/mosip-attribute.ts'
import { decodeRandomKey } from '../../vault/random-key.ts'

/**
 * Takes the pool key out of `encryptedRandomKey`, from the part that is for a key of ours.
 *
 * @param opener - holds K22 and its retired generations.
 * @returns 32 bytes, which the caller overwrites.
 * @throws KeyhavenError `OPEN_FAILED` if no part opens, whatever the reason; `STORE_UNAVAILABLE`.
 */
export async function openRandomKey(opener: SessionKeyOpener, text: string): Promise<Uint8Array> {
  for (const { thumbprint, wrapped } of parts(text)) {
    try {
      const key = await opener.open(thumbprint, wrapped)
      if (key.length === POOL_KEY_BYTES) return key
    } catch (error) {
      if (!(error instanceof KeyhavenError) || error.code !== 'OPEN_FAILED') throw error
    }
  }
  throw openFailed()
}

function parts(text: string) {
  try {
    return decodeRandomKey(text, fromAnyBase64)
  } catch {
    throw openFailed()
  }
}
