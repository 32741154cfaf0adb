import type { Kem, KemKeyPair, KemName, KemPrivateKey } from '../backend.ts'
import { KeyhavenError } from '../error.ts'
import { overwrite } from '../overwrite.ts'
import { requireLength } from '../require-length.ts'
import { KEM_PRIVATE_KEY_BYTES, KEM_PUBLIC_KEY_BYTES } from '../suite.ts'
import {
  dhDecapsulate,
  dhEncapsulate,
  dhEncapsulateWith,
  type Encapsulation,
  exportDhPrivateKey,
  importDhPrivateKey,
  importDhPublicKey,
} from './dhkem.ts'
import { NodeKemPrivateKey, NodeKemPublicKey } from './kem-keys.ts'
import { randomBytes } from './random-bytes.ts'
import {
  exportXWingPrivateKey,
  importXWingPrivateKey,
  importXWingPublicKey,
  xWingDecapsulate,
  xWingEncapsulate,
} from './x-wing.ts'

function importPublicKey(kem: KemName, bytes: Uint8Array): NodeKemPublicKey {
  requireLength(bytes, KEM_PUBLIC_KEY_BYTES[kem], `${kem} public key`)
  return kem === 'x-wing' ? importXWingPublicKey(bytes) : importDhPublicKey(kem, bytes)
}

function importPrivateKey(kem: KemName, bytes: Uint8Array): NodeKemPrivateKey {
  requireLength(bytes, KEM_PRIVATE_KEY_BYTES[kem], `${kem} private key`)
  return kem === 'x-wing' ? importXWingPrivateKey(bytes) : importDhPrivateKey(kem, bytes)
}

/**
 * A random 32-byte string is a valid private key, for p-256 but for one in 2^32 (scalar over the order):
 * drawn again.
 */
function generateKeyPair(kem: KemName): KemKeyPair {
  for (;;) {
    const secret = randomBytes(KEM_PRIVATE_KEY_BYTES[kem])
    try {
      const privateKey = importPrivateKey(kem, secret)
      return { publicKey: privateKey.publicKey, privateKey }
    } catch (error) {
      if (kem !== 'p-256' || !(error instanceof KeyhavenError)) throw error
    } finally {
      overwrite(secret)
    }
  }
}

function exportPrivateKey(key: KemPrivateKey): Uint8Array {
  const material = NodeKemPrivateKey.material(key)
  return material.kem === 'x-wing' ? exportXWingPrivateKey(material) : exportDhPrivateKey(material.key)
}

export const nodeKem: Kem = { generateKeyPair, importPublicKey, importPrivateKey, exportPrivateKey }

/**
 * @throws KeyhavenError `UNSUPPORTED` for x-wing with an ephemeral: node:crypto's ML-KEM draws its own
 * randomness.
 */
export function encapsulateTo(publicKey: NodeKemPublicKey, ephemeral?: Uint8Array): Encapsulation {
  const material = NodeKemPublicKey.material(publicKey)
  if (!ephemeral) {
    return material.kem === 'x-wing'
      ? xWingEncapsulate(publicKey.bytes, material)
      : dhEncapsulate(material.key)
  }
  if (material.kem !== 'x-wing') return dhEncapsulateWith(material.kem, publicKey, material.key, ephemeral)
  throw new KeyhavenError('UNSUPPORTED', 'no deterministic encapsulation with x-wing on node:crypto')
}

/** Throws whatever node:crypto throws: the caller makes it opaque. */
export function decapsulateWith(privateKey: NodeKemPrivateKey, enc: Uint8Array): Uint8Array {
  const material = NodeKemPrivateKey.material(privateKey)
  return material.kem === 'x-wing'
    ? xWingDecapsulate(privateKey.publicKey.bytes, material, enc)
    : dhDecapsulate(material.key, enc)
}
