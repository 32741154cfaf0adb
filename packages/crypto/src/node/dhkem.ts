import {
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  type KeyObject,
} from 'node:crypto'
import { KeyhavenError } from '../error.ts'
import { kemSuiteId, labeledIkm, labeledInfo } from '../hpke-labels.ts'
import { overwrite } from '../overwrite.ts'
import { isPrivateScalar, isUncompressedPoint } from '../p256-point.ts'
import { SHA256_BYTES } from '../suite.ts'
import { Writer } from '../writer.ts'
import { hkdfExpand, hkdfExtract } from './hkdf.ts'
import { NodeKemPrivateKey, NodeKemPublicKey } from './kem-keys.ts'
import { plainBytes } from './plain-bytes.ts'
import { rawPrivate, rawPublic } from './raw-key.ts'

export type DhKem = 'x25519' | 'p-256'

export interface Encapsulation {
  readonly sharedSecret: Uint8Array
  readonly enc: Uint8Array
}

const ASYMMETRIC_KEY_TYPES = {
  x25519: { asymmetricKeyType: 'x25519' },
  'p-256': { asymmetricKeyType: 'ec', namedCurve: 'P-256' },
} as const

/** @throws KeyhavenError `WIRE_MALFORMED` on a point that is not on the curve. */
export function importDhPublicKey(kem: DhKem, bytes: Uint8Array): NodeKemPublicKey {
  return new NodeKemPublicKey(Uint8Array.from(bytes), { kem, key: dhPublicKeyObject(kem, bytes) })
}

/** @throws KeyhavenError `WIRE_MALFORMED` on a scalar out of range. */
export function importDhPrivateKey(kem: DhKem, bytes: Uint8Array): NodeKemPrivateKey {
  const key = dhPrivateKeyObject(kem, bytes)
  const publicObject = createPublicKey(key)
  const publicKey = new NodeKemPublicKey(rawPublic(publicObject), { kem, key: publicObject })
  return new NodeKemPrivateKey(publicKey, { kem, key })
}

/** Encap of DHKEM (RFC 9180 §4.1), with its HKDF, in one native call. */
export function dhEncapsulate(recipient: KeyObject): Encapsulation {
  const { sharedKey, ciphertext } = encapsulate(recipient)
  return { sharedSecret: sharedKey, enc: plainBytes(ciphertext) }
}

/** Encap with a given ephemeral key, for vectors: step by step, as the native call draws its own. */
export function dhEncapsulateWith(
  kem: DhKem,
  recipient: NodeKemPublicKey,
  recipientObject: KeyObject,
  ephemeral: Uint8Array,
): Encapsulation {
  const privateKey = dhPrivateKeyObject(kem, ephemeral)
  const enc = rawPublic(createPublicKey(privateKey))
  const dh = diffieHellman({ privateKey, publicKey: recipientObject })
  const suiteId = kemSuiteId(kem)
  const prk = hkdfExtract(new Uint8Array(0), labeledIkm(suiteId, 'eae_prk', dh))
  const context = new Writer(enc.length + recipient.bytes.length).bytes(enc).bytes(recipient.bytes).done()
  const sharedSecret = hkdfExpand(
    prk,
    labeledInfo(suiteId, 'shared_secret', context, SHA256_BYTES),
    SHA256_BYTES,
  )
  overwrite(dh, prk)
  return { sharedSecret, enc }
}

/** Decap of DHKEM (RFC 9180 §4.1). Throws on an invalid point and on an all-zero X25519 result. */
export function dhDecapsulate(privateKey: KeyObject, enc: Uint8Array): Uint8Array {
  return decapsulate(privateKey, enc)
}

export function exportDhPrivateKey(key: KeyObject): Uint8Array {
  return rawPrivate(key)
}

export function dhPublicKeyObject(kem: DhKem, bytes: Uint8Array): KeyObject {
  if (kem === 'p-256' && !isUncompressedPoint(bytes)) throw notAPublicKey(kem)
  try {
    return createPublicKey({ key: bytes, format: 'raw-public', ...ASYMMETRIC_KEY_TYPES[kem] })
  } catch {
    throw notAPublicKey(kem)
  }
}

function notAPublicKey(kem: DhKem): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', `not a ${kem} public key`)
}

export function dhPrivateKeyObject(kem: DhKem, bytes: Uint8Array): KeyObject {
  if (kem === 'p-256' && !isPrivateScalar(bytes)) throw notAPrivateKey(kem)
  try {
    return createPrivateKey({ key: bytes, format: 'raw-private', ...ASYMMETRIC_KEY_TYPES[kem] })
  } catch {
    // The cause could say something about the secret: it is not kept.
    throw notAPrivateKey(kem)
  }
}

function notAPrivateKey(kem: DhKem): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', `not a ${kem} private key`)
}
