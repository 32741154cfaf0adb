import { sha256 } from '@noble/hashes/sha2.js'
import type { Sha256 } from './file-primitives.ts'

/** WebCrypto hashes only what is there as a whole. */
export function createSha256(): Sha256 {
  const hash = sha256.create()
  return {
    update(bytes) {
      hash.update(bytes)
    },
    digest: () => hash.clone().digest(),
  }
}
