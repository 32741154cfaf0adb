import { type CryptoBackend, Writer } from '@keyhaven/crypto'
import { fromHexDigest, upperHex } from '../mosip/digest.ts'

const NOTHING = new Uint8Array(0)

/**
 * The hash chain of a capture in MOSIP's newest form: h0 = SHA-256(''), hi = SHA-256(h(i−1) ‖ SHA-256(value)),
 * over the biometrics as they are before encryption.
 */
export interface HashChain {
  /** Takes one more value. @returns what stands in its `hash`: 64 upper-case hexadecimal digits. */
  next(value: Uint8Array): Promise<string>
}

/**
 * @param previousHash - where another device's chain ended.
 * @throws KeyhavenError `WIRE_MALFORMED` if that is no hash.
 */
export function hashChain(backend: CryptoBackend, previousHash?: string): HashChain {
  let before = previousHash === undefined ? undefined : fromHexDigest(previousHash)
  return {
    async next(value) {
      const start: Uint8Array = before ?? (await backend.sha256(NOTHING))
      const linked = new Writer()
        .bytes(start)
        .bytes(await backend.sha256(value))
        .done()
      before = Uint8Array.from(await backend.sha256(linked))
      return upperHex(before)
    },
  }
}
