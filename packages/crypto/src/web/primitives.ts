import {
  AEAD_AES_128_GCM,
  AEAD_AES_256_GCM,
  AEAD_ChaCha20Poly1305,
  type AEADFactory,
  KDF_HKDF_SHA256,
  KEM_DHKEM_P256_HKDF_SHA256,
  KEM_DHKEM_X25519_HKDF_SHA256,
  KEM_MLKEM768_X25519,
} from 'hpke'
import type { KemName } from '../backend.ts'
import { fromBase64url } from '../base64url.ts'
import type { HpkePrimitives, KemPrimitive } from '../hpke-package/primitives.ts'
import { once } from '../once.ts'
import { hasNativeAead, hasNativeKem } from './native-support.ts'
import { nobleFallback } from './noble-fallback.ts'

const UNCOMPRESSED_POINT = 0x04

const x25519: KemPrimitive = {
  factory: KEM_DHKEM_X25519_HKDF_SHA256,
  async publicKeyOf(privateKey) {
    const { x } = await crypto.subtle.exportKey('jwk', privateKey as CryptoKey)
    return fromBase64url(x!)
  },
}

const p256: KemPrimitive = {
  factory: KEM_DHKEM_P256_HKDF_SHA256,
  async publicKeyOf(privateKey) {
    const { x, y } = await crypto.subtle.exportKey('jwk', privateKey as CryptoKey)
    return Uint8Array.of(UNCOMPRESSED_POINT, ...fromBase64url(x!), ...fromBase64url(y!))
  },
}

/** WebCrypto gives no public key of an X-Wing seed: noble computes it, which only a recipient ever needs. */
const xWing: KemPrimitive = {
  factory: KEM_MLKEM768_X25519,
  async publicKeyOf(privateKey, seed) {
    const { noblePrimitives } = await nobleFallback()
    return (await noblePrimitives.kem('x-wing')).publicKeyOf(privateKey, seed)
  },
}

/**
 * The native KEM, or where the runtime lacks it noble's without its deterministic mode: a backend is one
 * thing to its caller.
 */
async function nativeOrNoble(kem: KemName, native: KemPrimitive): Promise<KemPrimitive> {
  if (await hasNativeKem(native.factory)) return native
  const { factory, publicKeyOf } = await (await nobleFallback()).noblePrimitives.kem(kem)
  return { factory, publicKeyOf }
}

/** Every runtime with WebCrypto has P-256 and AES-GCM; the others are looked for once. */
const KEMS: Readonly<Record<KemName, () => Promise<KemPrimitive>>> = {
  'p-256': async () => p256,
  x25519: once(() => nativeOrNoble('x25519', x25519)),
  'x-wing': once(() => nativeOrNoble('x-wing', xWing)),
}

const chaCha20Poly1305 = once(async (): Promise<AEADFactory> => {
  if (await hasNativeAead(AEAD_ChaCha20Poly1305)) return AEAD_ChaCha20Poly1305
  return (await nobleFallback()).noblePrimitives.aead('chacha20-poly1305')
})

/** WebCrypto where it has the algorithm, otherwise noble. */
export const webPrimitives: HpkePrimitives = {
  kdf: KDF_HKDF_SHA256,
  kem: (kem) => KEMS[kem](),
  aead(aead) {
    if (aead === 'chacha20-poly1305') return chaCha20Poly1305()
    return aead === 'aes-128-gcm' ? AEAD_AES_128_GCM : AEAD_AES_256_GCM
  },
}
