import { x25519 as nobleX25519 } from '@noble/curves/ed25519.js'
import { openFailed } from '../open-failed.ts'
import { requireArgumentLength } from '../require-length.ts'

const X25519_BYTES = 32

/** RFC 7748 §6.1. @throws KeyhavenError `OPEN_FAILED` on an all-zero result, which noble refuses. */
export function x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  requireArgumentLength(privateKey, X25519_BYTES, 'X25519 private key')
  requireArgumentLength(publicKey, X25519_BYTES, 'X25519 public key')
  try {
    return nobleX25519.getSharedSecret(privateKey, publicKey)
  } catch {
    throw openFailed()
  }
}
