import type { Jwk, SignatureAlgorithm, Signatures, SigningKey, VerifyKey } from '../backend.ts'
import { KeyhavenError } from '../error.ts'
import { once } from '../once.ts'
import {
  privateSignatureJwk,
  publicSignatureJwk,
  RSA_DEFAULT_MODULUS_BITS,
  RSA_PUBLIC_EXPONENT,
} from '../signature-jwk.ts'
import { requireMatchingPair } from '../signature-pair.ts'
import { SHA256_BYTES } from '../suite.ts'
import { bufferSource } from './buffer-source.ts'
import { hasNativeEd25519 } from './native-support.ts'
import { nobleFallback } from './noble-fallback.ts'

/** Parameters of WebCrypto's import, generate, sign and verify. */
const PARAMETERS = {
  EdDSA: { key: { name: 'Ed25519' }, use: { name: 'Ed25519' } },
  ES256: { key: { name: 'ECDSA', namedCurve: 'P-256' }, use: { name: 'ECDSA', hash: 'SHA-256' } },
  PS256: { key: { name: 'RSA-PSS', hash: 'SHA-256' }, use: { name: 'RSA-PSS', saltLength: SHA256_BYTES } },
} as const
const RSA_GENERATION = {
  modulusLength: RSA_DEFAULT_MODULUS_BITS,
  publicExponent: RSA_PUBLIC_EXPONENT,
} as const

class WebVerifyKey implements VerifyKey {
  readonly algorithm: SignatureAlgorithm
  readonly jwk: Jwk
  readonly #key: CryptoKey

  constructor(algorithm: SignatureAlgorithm, jwk: Jwk, key: CryptoKey) {
    this.algorithm = algorithm
    this.jwk = jwk
    this.#key = key
  }

  static cryptoKey(key: WebVerifyKey): CryptoKey {
    return key.#key
  }
}

class WebSigningKey implements SigningKey {
  readonly algorithm: SignatureAlgorithm
  readonly publicKey: VerifyKey
  readonly #key: CryptoKey

  constructor(publicKey: VerifyKey, key: CryptoKey) {
    this.algorithm = publicKey.algorithm
    this.publicKey = publicKey
    this.#key = key
  }

  static cryptoKey(key: WebSigningKey): CryptoKey {
    return key.#key
  }
}

const ed25519IsNative = once(hasNativeEd25519)

/** noble, where this runtime lacks Ed25519; undefined where WebCrypto does. */
async function fallback(algorithm: SignatureAlgorithm): Promise<Signatures | undefined> {
  if (algorithm !== 'EdDSA' || (await ed25519IsNative())) return undefined
  return (await nobleFallback()).nobleSignatures
}

async function imported(
  algorithm: SignatureAlgorithm,
  jwk: Jwk,
  usage: 'sign' | 'verify',
): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey('jwk', jwk as JsonWebKey, PARAMETERS[algorithm].key, true, [usage])
  } catch {
    throw new KeyhavenError('WIRE_MALFORMED', `not a valid ${algorithm} key`)
  }
}

async function importVerifyKey(algorithm: SignatureAlgorithm, jwk: Jwk): Promise<VerifyKey> {
  const noble = await fallback(algorithm)
  if (noble) return noble.importVerifyKey(algorithm, jwk)
  const members = publicSignatureJwk(algorithm, jwk)
  return new WebVerifyKey(algorithm, members, await imported(algorithm, members, 'verify'))
}

async function importSigningKey(algorithm: SignatureAlgorithm, jwk: Jwk): Promise<SigningKey> {
  const noble = await fallback(algorithm)
  if (noble) return noble.importSigningKey(algorithm, jwk)
  const publicKey = await importVerifyKey(algorithm, jwk)
  const key = await imported(algorithm, privateSignatureJwk(algorithm, jwk), 'sign')
  return requireMatchingPair(webSignatures, new WebSigningKey(publicKey, key))
}

async function generateKeyPair(algorithm: SignatureAlgorithm): Promise<SigningKey> {
  const noble = await fallback(algorithm)
  if (noble) return noble.generateKeyPair(algorithm)
  const parameters = { ...PARAMETERS[algorithm].key, ...(algorithm === 'PS256' ? RSA_GENERATION : {}) }
  const usages: KeyUsage[] = ['sign', 'verify']
  const pair = (await crypto.subtle.generateKey(parameters, true, usages)) as CryptoKeyPair
  const jwk = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as Jwk
  const publicKey = new WebVerifyKey(algorithm, publicSignatureJwk(algorithm, jwk), pair.publicKey)
  return new WebSigningKey(publicKey, pair.privateKey)
}

async function sign(key: SigningKey, data: Uint8Array): Promise<Uint8Array> {
  if (!(key instanceof WebSigningKey)) return (await otherBackendOf(key)).sign(key, data)
  const secret = WebSigningKey.cryptoKey(key)
  return new Uint8Array(await crypto.subtle.sign(PARAMETERS[key.algorithm].use, secret, bufferSource(data)))
}

async function verify(key: VerifyKey, signature: Uint8Array, data: Uint8Array): Promise<boolean> {
  if (!(key instanceof WebVerifyKey)) return (await otherBackendOf(key)).verify(key, signature, data)
  const { use } = PARAMETERS[key.algorithm]
  try {
    return await crypto.subtle.verify(
      use,
      WebVerifyKey.cryptoKey(key),
      bufferSource(signature),
      bufferSource(data),
    )
  } catch {
    return false
  }
}

async function exportSigningKey(key: SigningKey): Promise<Jwk> {
  if (!(key instanceof WebSigningKey)) return (await otherBackendOf(key)).exportSigningKey(key)
  const jwk = (await crypto.subtle.exportKey('jwk', WebSigningKey.cryptoKey(key))) as Jwk
  return privateSignatureJwk(key.algorithm, jwk)
}

/** noble, if it can be its key; it refuses a stranger's itself. */
async function otherBackendOf(key: SigningKey | VerifyKey): Promise<Signatures> {
  const noble = await fallback(key.algorithm)
  if (!noble) throw new TypeError('not a key of this backend')
  return noble
}

export const webSignatures: Signatures = {
  generateKeyPair,
  importVerifyKey,
  importSigningKey,
  exportSigningKey,
  sign,
  verify,
}
