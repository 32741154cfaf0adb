import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  hash,
} from 'node:crypto'
import { KeyhavenError } from '../error.ts'
import { overwrite } from '../overwrite.ts'
import { KEM_ENCAPSULATED_KEY_BYTES, KEM_PUBLIC_KEY_BYTES } from '../suite.ts'
import { dhPrivateKeyObject, dhPublicKeyObject, type Encapsulation } from './dhkem.ts'
import { NodeKemPrivateKey, NodeKemPublicKey, type PrivateMaterial, type PublicMaterial } from './kem-keys.ts'
import { plainBytes } from './plain-bytes.ts'
import { rawPublic } from './raw-key.ts'

const ML_KEM = 'ml-kem-768'
const ML_KEM_PUBLIC_KEY_BYTES = 1_184
const ML_KEM_CIPHERTEXT_BYTES = 1_088
const ML_KEM_SEED_BYTES = 64
const EXPANDED_SEED_BYTES = 96
const SHARED_SECRET_BYTES = 32
const X25519_BYTES = 32
/** `\.//^\` (draft-connolly-cfrg-xwing-kem §5.3): an X-wing fighter. */
const LABEL = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c)
const COMBINER_BYTES = 2 * SHARED_SECRET_BYTES + 2 * X25519_BYTES + LABEL.length

type XWingPublic = Extract<PublicMaterial, { kem: 'x-wing' }>
type XWingPrivate = Extract<PrivateMaterial, { kem: 'x-wing' }>

/**
 * ML-KEM-768 public key ‖ X25519 public key.
 *
 * @throws KeyhavenError `WIRE_MALFORMED` on an invalid ML-KEM key.
 */
export function importXWingPublicKey(bytes: Uint8Array): NodeKemPublicKey {
  return new NodeKemPublicKey(Uint8Array.from(bytes), {
    kem: 'x-wing',
    mlKem: mlKemPublicKey(bytes.subarray(0, ML_KEM_PUBLIC_KEY_BYTES)),
    x25519: dhPublicKeyObject('x25519', bytes.subarray(ML_KEM_PUBLIC_KEY_BYTES)),
  })
}

/** SHAKE256 of the 32-byte seed gives both halves (draft-connolly-cfrg-xwing-kem §5.2). */
export function importXWingPrivateKey(seed: Uint8Array): NodeKemPrivateKey {
  const expanded = hash('shake256', seed, { outputEncoding: 'buffer', outputLength: EXPANDED_SEED_BYTES })
  const mlKem = createPrivateKey({
    key: expanded.subarray(0, ML_KEM_SEED_BYTES),
    format: 'raw-seed',
    asymmetricKeyType: ML_KEM,
  })
  const x25519 = dhPrivateKeyObject('x25519', expanded.subarray(ML_KEM_SEED_BYTES))
  overwrite(expanded)
  const publics = { kem: 'x-wing', mlKem: createPublicKey(mlKem), x25519: createPublicKey(x25519) } as const
  const bytes = new Uint8Array(KEM_PUBLIC_KEY_BYTES['x-wing'])
  bytes.set(rawPublic(publics.mlKem))
  bytes.set(rawPublic(publics.x25519), ML_KEM_PUBLIC_KEY_BYTES)
  return new NodeKemPrivateKey(new NodeKemPublicKey(bytes, publics), {
    kem: 'x-wing',
    seed: createSecretKey(seed),
    mlKem,
    x25519,
  })
}

/** draft-connolly-cfrg-xwing-kem §5.4. */
export function xWingEncapsulate(recipient: Uint8Array, { mlKem, x25519 }: XWingPublic): Encapsulation {
  const { sharedKey, ciphertext } = encapsulate(mlKem)
  const ephemeral = generateKeyPairSync('x25519')
  const enc = new Uint8Array(KEM_ENCAPSULATED_KEY_BYTES['x-wing'])
  enc.set(ciphertext)
  enc.set(rawPublic(ephemeral.publicKey), ML_KEM_CIPHERTEXT_BYTES)
  const dh = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: x25519 })
  const recipientX25519 = recipient.subarray(ML_KEM_PUBLIC_KEY_BYTES)
  return { sharedSecret: combine(sharedKey, dh, enc, recipientX25519), enc }
}

/** draft-connolly-cfrg-xwing-kem §5.5. Throws on an all-zero X25519 result. */
export function xWingDecapsulate(publicKey: Uint8Array, key: XWingPrivate, enc: Uint8Array): Uint8Array {
  const sharedKey = decapsulate(key.mlKem, enc.subarray(0, ML_KEM_CIPHERTEXT_BYTES))
  const sender = dhPublicKeyObject('x25519', enc.subarray(ML_KEM_CIPHERTEXT_BYTES))
  const dh = diffieHellman({ privateKey: key.x25519, publicKey: sender })
  return combine(sharedKey, dh, enc, publicKey.subarray(ML_KEM_PUBLIC_KEY_BYTES))
}

export function exportXWingPrivateKey(key: XWingPrivate): Uint8Array {
  return plainBytes(key.seed.export())
}

/** SHA3-256(ssM ‖ ssX ‖ ctX ‖ pkX ‖ label), draft-connolly-cfrg-xwing-kem §5.3. Overwrites both secrets. */
function combine(
  mlKemSecret: Uint8Array,
  x25519Secret: Uint8Array,
  enc: Uint8Array,
  recipientX25519: Uint8Array,
): Uint8Array {
  const input = new Uint8Array(COMBINER_BYTES)
  input.set(mlKemSecret)
  input.set(x25519Secret, SHARED_SECRET_BYTES)
  input.set(enc.subarray(ML_KEM_CIPHERTEXT_BYTES), 2 * SHARED_SECRET_BYTES)
  input.set(recipientX25519, 2 * SHARED_SECRET_BYTES + X25519_BYTES)
  input.set(LABEL, 2 * SHARED_SECRET_BYTES + 2 * X25519_BYTES)
  const sharedSecret = hash('sha3-256', input, 'buffer')
  overwrite(input, mlKemSecret, x25519Secret)
  return sharedSecret
}

function mlKemPublicKey(bytes: Uint8Array) {
  try {
    return createPublicKey({ key: bytes, format: 'raw-public', asymmetricKeyType: ML_KEM })
  } catch {
    throw new KeyhavenError('WIRE_MALFORMED', 'not an ML-KEM-768 public key')
  }
}
