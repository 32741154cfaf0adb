import { diffieHellman } from 'node:crypto'
import { openFailed } from '../open-failed.ts'
import { requireArgumentLength } from '../require-length.ts'
import { dhPrivateKeyObject, dhPublicKeyObject } from './dhkem.ts'
import { plainBytes } from './plain-bytes.ts'

const X25519_BYTES = 32

/** RFC 7748 §6.1. @throws KeyhavenError `OPEN_FAILED` on an all-zero result, which OpenSSL refuses. */
export function x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  requireArgumentLength(privateKey, X25519_BYTES, 'X25519 private key')
  requireArgumentLength(publicKey, X25519_BYTES, 'X25519 public key')
  const keys = {
    privateKey: dhPrivateKeyObject('x25519', privateKey),
    publicKey: dhPublicKeyObject('x25519', publicKey),
  }
  try {
    return plainBytes(diffieHellman(keys))
  } catch {
    throw openFailed()
  }
}
