import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto'
import type { Jwk, SignatureAlgorithm, Signatures, SigningKey, VerifyKey } from '../backend.ts'
import { KeyhavenError } from '../error.ts'
import { privateSignatureJwk, publicSignatureJwk, RSA_DEFAULT_MODULUS_BITS } from '../signature-jwk.ts'
import { requireMatchingPair } from '../signature-pair.ts'
import { SHA256_BYTES } from '../suite.ts'
import { plainBytes } from './plain-bytes.ts'
import { generateRsaKeyPair } from './rsa-key-pair.ts'

/** Digest and options of node:crypto's sign and verify. */
const OPTIONS = {
  EdDSA: { digest: null, options: {} },
  ES256: { digest: 'sha256', options: { dsaEncoding: 'ieee-p1363' } },
  PS256: {
    digest: 'sha256',
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: SHA256_BYTES },
  },
} as const

class NodeVerifyKey implements VerifyKey {
  readonly algorithm: SignatureAlgorithm
  readonly jwk: Jwk
  readonly #key: KeyObject

  constructor(algorithm: SignatureAlgorithm, jwk: Jwk) {
    this.algorithm = algorithm
    this.jwk = jwk
    try {
      this.#key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    } catch {
      throw new KeyhavenError('WIRE_MALFORMED', `not a valid ${algorithm} public key`)
    }
  }

  static object(key: VerifyKey): KeyObject {
    if (!(key instanceof NodeVerifyKey)) throw new TypeError('not a verify key of this backend')
    return key.#key
  }
}

class NodeSigningKey implements SigningKey {
  readonly algorithm: SignatureAlgorithm
  readonly publicKey: VerifyKey
  readonly #key: KeyObject

  constructor(algorithm: SignatureAlgorithm, key: KeyObject) {
    this.algorithm = algorithm
    const jwk = createPublicKey(key).export({ format: 'jwk' }) as Jwk
    this.publicKey = new NodeVerifyKey(algorithm, publicSignatureJwk(algorithm, jwk))
    this.#key = key
  }

  static object(key: SigningKey): KeyObject {
    if (!(key instanceof NodeSigningKey)) throw new TypeError('not a signing key of this backend')
    return key.#key
  }
}

/** A pair of curves takes microseconds and is there at once; one of RSA is made beside the event loop. */
function generateKeyPair(algorithm: SignatureAlgorithm): SigningKey | Promise<SigningKey> {
  const ofPair = ({ privateKey }: { privateKey: KeyObject }) => new NodeSigningKey(algorithm, privateKey)
  if (algorithm === 'EdDSA') return ofPair(generateKeyPairSync('ed25519'))
  if (algorithm === 'ES256') return ofPair(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
  return generateRsaKeyPair(RSA_DEFAULT_MODULUS_BITS).then(ofPair)
}

function importSigningKey(algorithm: SignatureAlgorithm, jwk: Jwk): SigningKey {
  const members = privateSignatureJwk(algorithm, jwk)
  let object: KeyObject
  try {
    object = createPrivateKey({ key: members as JsonWebKey, format: 'jwk' })
  } catch {
    throw new KeyhavenError('WIRE_MALFORMED', `not a valid ${algorithm} private key`)
  }
  const key = new NodeSigningKey(algorithm, object)
  for (const [name, value] of Object.entries(key.publicKey.jwk)) {
    if (members[name] !== value)
      throw new KeyhavenError('WIRE_MALFORMED', 'JWK public and private parts differ')
  }
  requireMatchingPair(nodeSignatures, key)
  return key
}

function sign(key: SigningKey, data: Uint8Array): Uint8Array {
  const { digest, options } = OPTIONS[key.algorithm]
  return plainBytes(nodeSign(digest, data, { key: NodeSigningKey.object(key), ...options }))
}

function verify(key: VerifyKey, signature: Uint8Array, data: Uint8Array): boolean {
  const { digest, options } = OPTIONS[key.algorithm]
  const object = NodeVerifyKey.object(key)
  try {
    return nodeVerify(digest, data, { key: object, ...options }, signature)
  } catch {
    return false
  }
}

export const nodeSignatures: Signatures = {
  generateKeyPair,
  importVerifyKey: (algorithm, jwk) => new NodeVerifyKey(algorithm, publicSignatureJwk(algorithm, jwk)),
  importSigningKey,
  exportSigningKey: (key) =>
    privateSignatureJwk(key.algorithm, NodeSigningKey.object(key).export({ format: 'jwk' }) as Jwk),
  sign,
  verify,
}
