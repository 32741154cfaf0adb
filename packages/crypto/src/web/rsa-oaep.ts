import type { Jwk, RsaOaep } from '../backend.ts'
import { KeyhavenError } from '../error.ts'
import { openFailed } from '../open-failed.ts'
import { privateRsaJwk, publicRsaJwk, RSA_PUBLIC_EXPONENT, rsaModulusBytes } from '../signature-jwk.ts'
import { SHA256_BYTES } from '../suite.ts'
import { bufferSource } from './buffer-source.ts'

const RSA_OAEP = { name: 'RSA-OAEP', hash: 'SHA-256' } as const
/** RFC 8017 §7.1.1: two digests and two bytes of each block are not message. */
const OVERHEAD_BYTES = 2 * SHA256_BYTES + 2

/** Imported once for each JWK object, so the caller should keep his. */
const publicKeys = new WeakMap<Jwk, Promise<CryptoKey>>()
const privateKeys = new WeakMap<Jwk, Promise<CryptoKey>>()

function cached(keys: WeakMap<Jwk, Promise<CryptoKey>>, jwk: Jwk, members: () => Jwk, usage: KeyUsage) {
  let key = keys.get(jwk)
  if (!key) {
    key = crypto.subtle.importKey('jwk', members() as JsonWebKey, RSA_OAEP, false, [usage])
    keys.set(jwk, key)
  }
  return key.catch(() => {
    throw new KeyhavenError('WIRE_MALFORMED', 'not a valid RSA key')
  })
}

export const webRsaOaep: RsaOaep = {
  async generateKeyPair(modulusLength) {
    const parameters = { ...RSA_OAEP, modulusLength, publicExponent: RSA_PUBLIC_EXPONENT }
    const pair = await crypto.subtle.generateKey(parameters, true, ['encrypt', 'decrypt'])
    return {
      publicKey: publicRsaJwk((await crypto.subtle.exportKey('jwk', pair.publicKey)) as Jwk),
      privateKey: privateRsaJwk((await crypto.subtle.exportKey('jwk', pair.privateKey)) as Jwk),
    }
  },

  async encrypt(jwk, plaintext) {
    const key = await cached(publicKeys, jwk, () => publicRsaJwk(jwk), 'encrypt')
    if (plaintext.length > rsaModulusBytes(jwk) - OVERHEAD_BYTES) {
      throw new KeyhavenError('INPUT_INVALID', 'the plaintext is too long for this RSA key')
    }
    return new Uint8Array(await crypto.subtle.encrypt(RSA_OAEP, key, bufferSource(plaintext)))
  },

  async decrypt(jwk, ciphertext) {
    const key = await cached(privateKeys, jwk, () => privateRsaJwk(jwk), 'decrypt')
    try {
      return new Uint8Array(await crypto.subtle.decrypt(RSA_OAEP, key, bufferSource(ciphertext)))
    } catch {
      throw openFailed()
    }
  },
}
