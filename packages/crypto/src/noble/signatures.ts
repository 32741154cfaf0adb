import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import type { Jwk, SignatureAlgorithm, Signatures, SigningKey, VerifyKey } from '../backend.ts'
import { fromBase64url, toBase64url } from '../base64url.ts'
import { KeyhavenError } from '../error.ts'
import { overwrite } from '../overwrite.ts'
import { randomBytes } from '../random-values.ts'
import { privateSignatureJwk, publicSignatureJwk } from '../signature-jwk.ts'
import { requireMatchingPair } from '../signature-pair.ts'
import { rsaPrivateNumbers, rsaPublicNumbers } from './rsa-number.ts'
import { pssSign, pssVerify } from './rsa-pss.ts'

const PRIVATE_KEY_BYTES = 32
const UNCOMPRESSED_POINT = 0x04
const P256_COORDINATE_BYTES = 32
/** RFC 8032 §5.1.7 as written, not the looser ZIP 215. */
const STRICT = { zip215: false } as const
/** JOSE takes both signatures of an ECDSA pair, with s and with n − s. */
const ANY_S = { lowS: false } as const

type Verify = (signature: Uint8Array, data: Uint8Array) => boolean
type Sign = (data: Uint8Array) => Uint8Array

class NobleVerifyKey implements VerifyKey {
  readonly algorithm: SignatureAlgorithm
  readonly jwk: Jwk
  readonly #verify: Verify

  constructor(algorithm: SignatureAlgorithm, jwk: Jwk) {
    this.algorithm = algorithm
    this.jwk = publicSignatureJwk(algorithm, jwk)
    try {
      this.#verify = verifier(algorithm, this.jwk)
    } catch {
      throw new KeyhavenError('WIRE_MALFORMED', `not a valid ${algorithm} public key`)
    }
  }

  static verify(key: VerifyKey, signature: Uint8Array, data: Uint8Array): boolean {
    if (!(key instanceof NobleVerifyKey)) throw new TypeError('not a verify key of this backend')
    try {
      return key.#verify(signature, data)
    } catch {
      return false
    }
  }
}

class NobleSigningKey implements SigningKey {
  readonly algorithm: SignatureAlgorithm
  readonly publicKey: VerifyKey
  readonly #jwk: Jwk
  readonly #sign: Sign

  constructor(algorithm: SignatureAlgorithm, jwk: Jwk) {
    this.algorithm = algorithm
    this.#jwk = privateSignatureJwk(algorithm, jwk)
    this.publicKey = new NobleVerifyKey(algorithm, jwk)
    try {
      this.#sign = signer(algorithm, this.#jwk)
    } catch {
      throw new KeyhavenError('WIRE_MALFORMED', `not a valid ${algorithm} private key`)
    }
  }

  static sign(key: SigningKey, data: Uint8Array): Uint8Array {
    if (!(key instanceof NobleSigningKey)) throw new TypeError('not a signing key of this backend')
    return key.#sign(data)
  }

  static jwk(key: SigningKey): Jwk {
    if (!(key instanceof NobleSigningKey)) throw new TypeError('not a signing key of this backend')
    return { ...key.#jwk }
  }
}

function verifier(algorithm: SignatureAlgorithm, jwk: Jwk): Verify {
  if (algorithm === 'PS256') {
    const numbers = rsaPublicNumbers(jwk)
    return (signature, data) => pssVerify(numbers, signature, data)
  }
  const x = fromBase64url(jwk.x as string)
  if (algorithm === 'EdDSA') {
    ed25519.Point.fromBytes(x)
    return (signature, data) => ed25519.verify(signature, data, x, STRICT)
  }
  const point = new Uint8Array(1 + 2 * P256_COORDINATE_BYTES)
  point[0] = UNCOMPRESSED_POINT
  point.set(x, 1)
  point.set(fromBase64url(jwk.y as string), 1 + P256_COORDINATE_BYTES)
  p256.Point.fromBytes(point).assertValidity()
  return (signature, data) => p256.verify(signature, data, point, ANY_S)
}

function signer(algorithm: SignatureAlgorithm, jwk: Jwk): Sign {
  if (algorithm === 'PS256') {
    const numbers = rsaPrivateNumbers(jwk)
    return (data) => pssSign(numbers, data)
  }
  const d = fromBase64url(jwk.d as string)
  return algorithm === 'EdDSA' ? (data) => ed25519.sign(data, d) : (data) => p256.sign(data, d, ANY_S)
}

function generateKeyPair(algorithm: SignatureAlgorithm): SigningKey {
  if (algorithm === 'PS256') {
    throw new KeyhavenError('UNSUPPORTED', 'RSA keys are not made without native cryptography')
  }
  const secret = algorithm === 'EdDSA' ? randomBytes(PRIVATE_KEY_BYTES) : p256.utils.randomSecretKey()
  const d = toBase64url(secret)
  if (algorithm === 'EdDSA') {
    const x = toBase64url(ed25519.getPublicKey(secret))
    overwrite(secret)
    return new NobleSigningKey(algorithm, { kty: 'OKP', crv: 'Ed25519', x, d })
  }
  const point = p256.getPublicKey(secret, false)
  overwrite(secret)
  const x = toBase64url(point.subarray(1, 1 + P256_COORDINATE_BYTES))
  const y = toBase64url(point.subarray(1 + P256_COORDINATE_BYTES))
  return new NobleSigningKey(algorithm, { kty: 'EC', crv: 'P-256', x, y, d })
}

/** Pure JavaScript, in constant time only as far as BigInt allows. */
export const nobleSignatures: Signatures = {
  generateKeyPair,
  importVerifyKey: (algorithm, jwk) => new NobleVerifyKey(algorithm, jwk),
  importSigningKey: (algorithm, jwk) =>
    requireMatchingPair(nobleSignatures, new NobleSigningKey(algorithm, jwk)),
  exportSigningKey: (key) => NobleSigningKey.jwk(key),
  sign: (key, data) => NobleSigningKey.sign(key, data),
  verify: (key, signature, data) => NobleVerifyKey.verify(key, signature, data),
}
