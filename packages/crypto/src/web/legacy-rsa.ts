import type { Jwk, LegacyRsa } from '../backend.ts'
import { KeyhavenError } from '../error.ts'
import {
  LEGACY_RSA_MODULUS_BITS,
  LEGACY_RSA_MODULUS_BYTES,
  privateLegacyRsaJwk,
  publicLegacyRsaJwk,
} from '../legacy-rsa-jwk.ts'
import { openFailed } from '../open-failed.ts'
import { RSA_PUBLIC_EXPONENT } from '../signature-jwk.ts'
import { SHA256_BYTES } from '../suite.ts'
import { bufferSource } from './buffer-source.ts'

const SIGNATURE = 'RSASSA-PKCS1-v1_5'
const RSA_OAEP = { name: 'RSA-OAEP', hash: 'SHA-256' } as const
/** RFC 8017 §7.1.1: two digests and two bytes of each block are not message. */
const MAX_PLAINTEXT_BYTES = LEGACY_RSA_MODULUS_BYTES - (2 * SHA256_BYTES + 2)

/** WebCrypto ties a key to one use and hash: one import for each, for each JWK object. */
interface Use {
  readonly parameters: { readonly name: string; readonly hash: 'SHA-1' | 'SHA-256' }
  readonly usage: KeyUsage
  readonly keys: WeakMap<Jwk, Promise<CryptoKey>>
}

const USES = {
  signSha256: use(SIGNATURE, 'SHA-256', 'sign'),
  verifySha256: use(SIGNATURE, 'SHA-256', 'verify'),
  signSha1: use(SIGNATURE, 'SHA-1', 'sign'),
  verifySha1: use(SIGNATURE, 'SHA-1', 'verify'),
  encrypt: use(RSA_OAEP.name, RSA_OAEP.hash, 'encrypt'),
  decrypt: use(RSA_OAEP.name, RSA_OAEP.hash, 'decrypt'),
} as const

function use(name: string, hash: 'SHA-1' | 'SHA-256', usage: KeyUsage): Use {
  return { parameters: { name, hash }, usage, keys: new WeakMap() }
}

async function imported({ parameters, usage, keys }: Use, jwk: Jwk): Promise<CryptoKey> {
  let key = keys.get(jwk)
  if (!key) {
    const isPrivate = usage === 'sign' || usage === 'decrypt'
    const members = isPrivate ? privateLegacyRsaJwk(jwk) : publicLegacyRsaJwk(jwk)
    key = crypto.subtle.importKey('jwk', members as JsonWebKey, parameters, false, [usage])
    keys.set(jwk, key)
  }
  try {
    return await key
  } catch {
    throw new KeyhavenError('WIRE_MALFORMED', 'not a valid RSA key')
  }
}

async function sign(which: Use, jwk: Jwk, data: Uint8Array): Promise<Uint8Array> {
  const key = await imported(which, jwk)
  return new Uint8Array(await crypto.subtle.sign(SIGNATURE, key, bufferSource(data)))
}

async function verify(which: Use, jwk: Jwk, signature: Uint8Array, data: Uint8Array): Promise<boolean> {
  const key = await imported(which, jwk)
  return crypto.subtle.verify(SIGNATURE, key, bufferSource(signature), bufferSource(data))
}

export const webLegacyRsa: LegacyRsa = {
  async generateKeyPair() {
    const size = { modulusLength: LEGACY_RSA_MODULUS_BITS, publicExponent: RSA_PUBLIC_EXPONENT }
    const pair = await crypto.subtle.generateKey({ ...RSA_OAEP, ...size }, true, ['encrypt', 'decrypt'])
    return {
      publicKey: publicLegacyRsaJwk((await crypto.subtle.exportKey('jwk', pair.publicKey)) as Jwk),
      privateKey: privateLegacyRsaJwk((await crypto.subtle.exportKey('jwk', pair.privateKey)) as Jwk),
    }
  },
  signSha256: (jwk, data) => sign(USES.signSha256, jwk, data),
  verifySha256: (jwk, signature, data) => verify(USES.verifySha256, jwk, signature, data),
  signSha1: (jwk, spki) => sign(USES.signSha1, jwk, spki),
  verifySha1: (jwk, signature, spki) => verify(USES.verifySha1, jwk, signature, spki),

  async encrypt(jwk, plaintext) {
    const key = await imported(USES.encrypt, jwk)
    if (plaintext.length > MAX_PLAINTEXT_BYTES) {
      throw new KeyhavenError('INPUT_INVALID', 'the plaintext is too long for this RSA key')
    }
    return new Uint8Array(await crypto.subtle.encrypt(RSA_OAEP, key, bufferSource(plaintext)))
  },

  async decrypt(jwk, ciphertext) {
    const key = await imported(USES.decrypt, jwk)
    try {
      return new Uint8Array(await crypto.subtle.decrypt(RSA_OAEP, key, bufferSource(ciphertext)))
    } catch {
      throw openFailed()
    }
  },
}
