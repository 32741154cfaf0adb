import { KeyhavenError } from '../error.ts'
import { OAEP_OVERHEAD_BYTES } from '../oaep.ts'
import { openFailed } from '../open-failed.ts'
import {
  type Mgf1Hash,
  RSA_KEY_MAX_BITS,
  RSA_KEY_MIN_BITS,
  type Rsa,
  type RsaPrivateKey,
  type RsaPublicKey,
} from '../rsa.ts'
import { RSA_PUBLIC_EXPONENT } from '../signature-jwk.ts'
import { bufferSource } from './buffer-source.ts'

const OAEP = { name: 'RSA-OAEP', hash: 'SHA-256' } as const
const PKCS1 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const
const BITS_PER_BYTE = 8

/** WebCrypto ties a key to one use: a public key is imported for each, when it is first used. */
interface PublicUses {
  encrypt?: Promise<CryptoKey>
  verify?: Promise<CryptoKey>
}
const publicUses = new WeakMap<RsaPublicKey, PublicUses>()
const privateKeys = new WeakMap<RsaPrivateKey, { readonly decrypt: CryptoKey; readonly sign: CryptoKey }>()

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'not an RSA key')
}

function importedPublic(key: RsaPublicKey, usage: 'encrypt' | 'verify'): Promise<CryptoKey> {
  const uses = publicUses.get(key) ?? {}
  publicUses.set(key, uses)
  uses[usage] ??= crypto.subtle
    .importKey('spki', bufferSource(key.spki), usage === 'encrypt' ? OAEP : PKCS1, true, [usage])
    .catch(() => {
      throw malformed()
    })
  return uses[usage]
}

function modulusBits(key: CryptoKey): number {
  const bits = (key.algorithm as RsaKeyAlgorithm).modulusLength
  if (bits >= RSA_KEY_MIN_BITS && bits <= RSA_KEY_MAX_BITS) return bits
  throw new KeyhavenError('WIRE_MALFORMED', `RSA key of ${RSA_KEY_MIN_BITS} to ${RSA_KEY_MAX_BITS} bits`)
}

async function importPrivateKey(pkcs8: Uint8Array): Promise<RsaPrivateKey> {
  const imported = (parameters: typeof OAEP | typeof PKCS1, usage: KeyUsage) =>
    crypto.subtle.importKey('pkcs8', bufferSource(pkcs8), parameters, true, [usage])
  const keys = await Promise.all([imported(OAEP, 'decrypt'), imported(PKCS1, 'sign')]).catch(() => {
    throw malformed()
  })
  const bits = modulusBits(keys[0])
  // WebCrypto gives no public key of a private one, but for its JWK.
  const { kty, n, e } = await crypto.subtle.exportKey('jwk', keys[0])
  const jwk = { kty: kty!, n: n!, e: e! }
  const publicKey = await crypto.subtle.importKey('jwk', jwk, OAEP, true, ['encrypt'])
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', publicKey))
  const key = { publicKey: { modulusBits: bits, spki } }
  privateKeys.set(key, { decrypt: keys[0], sign: keys[1] })
  return key
}

function privateOf(key: RsaPrivateKey) {
  const known = privateKeys.get(key)
  if (!known) throw new TypeError('not a private key of this backend')
  return known
}

function refuseSha1(mgf1: Mgf1Hash | undefined): void {
  if (mgf1 === 'SHA-1') throw new KeyhavenError('UNSUPPORTED', 'WebCrypto has no OAEP with MGF1-SHA-1')
}

/** RSA by WebCrypto. */
export const webRsa: Rsa = {
  async generateKeyPair(modulusLength) {
    const parameters = { ...OAEP, modulusLength, publicExponent: RSA_PUBLIC_EXPONENT }
    const pair = await crypto.subtle.generateKey(parameters, true, ['encrypt', 'decrypt'])
    const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey))
    try {
      return await importPrivateKey(pkcs8)
    } finally {
      pkcs8.fill(0)
    }
  },
  async importPublicKey(spki) {
    const key: { modulusBits: number; spki: Uint8Array } = { modulusBits: 0, spki: Uint8Array.from(spki) }
    key.modulusBits = modulusBits(await importedPublic(key, 'encrypt'))
    return key
  },
  importPrivateKey,
  async exportPrivateKey(key) {
    return new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateOf(key).decrypt))
  },
  async encryptOaep(key, plaintext, mgf1) {
    refuseSha1(mgf1)
    const imported = await importedPublic(key, 'encrypt')
    if (plaintext.length > Math.ceil(key.modulusBits / BITS_PER_BYTE) - OAEP_OVERHEAD_BYTES) {
      throw new KeyhavenError('INPUT_INVALID', 'the plaintext is too long for this RSA key')
    }
    return new Uint8Array(await crypto.subtle.encrypt(OAEP, imported, bufferSource(plaintext)))
  },
  async decryptOaep(key, ciphertext, mgf1) {
    refuseSha1(mgf1)
    const { decrypt } = privateOf(key)
    try {
      return new Uint8Array(await crypto.subtle.decrypt(OAEP, decrypt, bufferSource(ciphertext)))
    } catch {
      throw openFailed()
    }
  },
  async signPkcs1(key, data) {
    return new Uint8Array(await crypto.subtle.sign(PKCS1, privateOf(key).sign, bufferSource(data)))
  },
  async verifyPkcs1(key, signature, data) {
    const imported = await importedPublic(key, 'verify')
    return crypto.subtle.verify(PKCS1, imported, bufferSource(signature), bufferSource(data))
  },
}
