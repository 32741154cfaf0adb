import { x25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js'
import {
  AEAD_AES_128_GCM,
  AEAD_AES_256_GCM,
  AEAD_ChaCha20Poly1305,
  KDF_HKDF_SHA256,
  KEM_DHKEM_P256_HKDF_SHA256,
  KEM_DHKEM_X25519_HKDF_SHA256,
  KEM_MLKEM768_X25519,
} from '@panva/hpke-noble'
import type { KEM, KEMFactory } from 'hpke'
import type { AeadName, KemName } from '../backend.ts'
import type { HpkePrimitives, KemPrimitive } from '../hpke-package/primitives.ts'

const AEADS = {
  'aes-128-gcm': AEAD_AES_128_GCM,
  'aes-256-gcm': AEAD_AES_256_GCM,
  'chacha20-poly1305': AEAD_ChaCha20Poly1305,
} as const satisfies Record<AeadName, unknown>

const KEMS: Readonly<Record<KemName, KemPrimitive>> = {
  x25519: dhKem(KEM_DHKEM_X25519_HKDF_SHA256, (secret) => x25519.getPublicKey(secret)),
  'p-256': dhKem(KEM_DHKEM_P256_HKDF_SHA256, (secret) => p256.getPublicKey(secret, false)),
  'x-wing': {
    factory: KEM_MLKEM768_X25519,
    publicKeyOf: (_privateKey, seed) => ml_kem768_x25519.keygen(seed).publicKey,
    deterministic: (ephemeral) => () => {
      const kem = KEM_MLKEM768_X25519()
      return {
        ...kem,
        async Encap(publicKey) {
          const bytes = await kem.SerializePublicKey(publicKey)
          const { cipherText, sharedSecret } = ml_kem768_x25519.encapsulate(bytes, ephemeral)
          return { enc: cipherText, shared_secret: sharedSecret }
        },
      }
    },
  },
}

/** All of `@panva/hpke-noble`: nothing here touches `crypto.subtle`. */
export const noblePrimitives: HpkePrimitives = {
  kdf: KDF_HKDF_SHA256,
  kem: (kem) => KEMS[kem],
  aead: (aead) => AEADS[aead],
}

/**
 * A DHKEM whose Encap takes its ephemeral pair from `GenerateKeyPair`, so that a given one can be put
 * there.
 */
function dhKem(factory: KEMFactory, publicKeyOf: (secret: Uint8Array) => Uint8Array): KemPrimitive {
  return {
    factory,
    publicKeyOf: (_privateKey, secret) => publicKeyOf(secret),
    deterministic: (ephemeral) => () => {
      const kem: KEM = factory()
      return {
        ...kem,
        async GenerateKeyPair() {
          return {
            privateKey: await kem.DeserializePrivateKey(ephemeral, true),
            publicKey: await kem.DeserializePublicKey(publicKeyOf(ephemeral)),
          }
        },
      }
    },
  }
}
