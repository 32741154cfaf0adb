import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto'
import type { Jwk, LegacyRsa } from '../backend.ts'
import { KeyhavenError } from '../error.ts'
import { LEGACY_RSA_MODULUS_BITS, privateLegacyRsaJwk, publicLegacyRsaJwk } from '../legacy-rsa-jwk.ts'
import { openFailed } from '../open-failed.ts'
import { plainBytes } from './plain-bytes.ts'
import { generateRsaKeyPair } from './rsa-key-pair.ts'

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } as const
const PKCS1 = { padding: constants.RSA_PKCS1_PADDING } as const

/** Imported once for each JWK object, so the caller should keep his. */
const publicKeys = new WeakMap<Jwk, KeyObject>()
const privateKeys = new WeakMap<Jwk, KeyObject>()

function publicKey(jwk: Jwk): KeyObject {
  return cached(publicKeys, jwk, () => createPublicKey(asJwk(publicLegacyRsaJwk(jwk))))
}

function privateKey(jwk: Jwk): KeyObject {
  return cached(privateKeys, jwk, () => createPrivateKey(asJwk(privateLegacyRsaJwk(jwk))))
}

function asJwk(members: Record<string, string>) {
  return { key: members as JsonWebKey, format: 'jwk' } as const
}

function cached(keys: WeakMap<Jwk, KeyObject>, jwk: Jwk, create: () => KeyObject): KeyObject {
  const known = keys.get(jwk)
  if (known) return known
  try {
    const key = create()
    keys.set(jwk, key)
    return key
  } catch (error) {
    throw error instanceof KeyhavenError ? error : new KeyhavenError('WIRE_MALFORMED', 'not a valid RSA key')
  }
}

function sign(digest: 'sha1' | 'sha256', jwk: Jwk, data: Uint8Array): Uint8Array {
  return plainBytes(nodeSign(digest, data, { key: privateKey(jwk), ...PKCS1 }))
}

function verify(digest: 'sha1' | 'sha256', jwk: Jwk, signature: Uint8Array, data: Uint8Array): boolean {
  const key = publicKey(jwk)
  try {
    return nodeVerify(digest, data, { key, ...PKCS1 }, signature)
  } catch {
    return false
  }
}

export const nodeLegacyRsa: LegacyRsa = {
  async generateKeyPair() {
    const pair = await generateRsaKeyPair(LEGACY_RSA_MODULUS_BITS)
    return {
      publicKey: publicLegacyRsaJwk(pair.publicKey.export({ format: 'jwk' }) as Jwk),
      privateKey: privateLegacyRsaJwk(pair.privateKey.export({ format: 'jwk' }) as Jwk),
    }
  },
  signSha256: (jwk, data) => sign('sha256', jwk, data),
  verifySha256: (jwk, signature, data) => verify('sha256', jwk, signature, data),
  signSha1: (jwk, spki) => sign('sha1', jwk, spki),
  verifySha1: (jwk, signature, spki) => verify('sha1', jwk, signature, spki),

  encrypt(jwk, plaintext) {
    const key = publicKey(jwk)
    try {
      return plainBytes(publicEncrypt({ key, ...OAEP }, plaintext))
    } catch {
      throw new KeyhavenError('INPUT_INVALID', 'the plaintext is too long for this RSA key')
    }
  },

  decrypt(jwk, ciphertext) {
    const key = privateKey(jwk)
    try {
      return plainBytes(privateDecrypt({ key, ...OAEP }, ciphertext))
    } catch {
      throw openFailed()
    }
  },
}
