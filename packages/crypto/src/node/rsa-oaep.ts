import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto'
import type { Jwk, RsaOaep } from '../backend.ts'
import { KeyhavenError } from '../error.ts'
import { openFailed } from '../open-failed.ts'
import { privateRsaJwk, publicRsaJwk } from '../signature-jwk.ts'
import { plainBytes } from './plain-bytes.ts'
import { generateRsaKeyPair } from './rsa-key-pair.ts'

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } as const

/** Imported once for each JWK object, so the caller should keep his. */
const publicKeys = new WeakMap<Jwk, KeyObject>()
const privateKeys = new WeakMap<Jwk, KeyObject>()

function encrypt(jwk: Jwk, plaintext: Uint8Array): Uint8Array {
  const key = cached(publicKeys, jwk, () =>
    createPublicKey({ key: publicRsaJwk(jwk) as JsonWebKey, format: 'jwk' }),
  )
  try {
    return plainBytes(publicEncrypt({ key, ...OAEP }, plaintext))
  } catch {
    throw new KeyhavenError('INPUT_INVALID', 'the plaintext is too long for this RSA key')
  }
}

function decrypt(jwk: Jwk, ciphertext: Uint8Array): Uint8Array {
  const key = cached(privateKeys, jwk, () =>
    createPrivateKey({ key: privateRsaJwk(jwk) as JsonWebKey, format: 'jwk' }),
  )
  try {
    return plainBytes(privateDecrypt({ key, ...OAEP }, ciphertext))
  } catch {
    throw openFailed()
  }
}

function cached(keys: WeakMap<Jwk, KeyObject>, jwk: Jwk, create: () => KeyObject): KeyObject {
  const known = keys.get(jwk)
  if (known) return known
  const key = imported(create)
  keys.set(jwk, key)
  return key
}

function imported(create: () => KeyObject): KeyObject {
  try {
    return create()
  } catch (error) {
    throw error instanceof KeyhavenError ? error : new KeyhavenError('WIRE_MALFORMED', 'not a valid RSA key')
  }
}

export const nodeRsaOaep: RsaOaep = {
  async generateKeyPair(modulusLength) {
    const pair = await generateRsaKeyPair(modulusLength)
    return {
      publicKey: publicRsaJwk(pair.publicKey.export({ format: 'jwk' }) as Jwk),
      privateKey: privateRsaJwk(pair.privateKey.export({ format: 'jwk' }) as Jwk),
    }
  },
  encrypt,
  decrypt,
}
