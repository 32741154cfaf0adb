import type { Kem, KemName, KemPrivateKey } from '../backend.ts'
import { KeyhavenError } from '../error.ts'
import { passesMlKemModulusCheck } from '../ml-kem-modulus.ts'
import { isUncompressedPoint } from '../p256-point.ts'
import { requireLength } from '../require-length.ts'
import { KEM_PRIVATE_KEY_BYTES, KEM_PUBLIC_KEY_BYTES } from '../suite.ts'
import { PackageKemPrivateKey, PackageKemPublicKey } from './kem-keys.ts'
import type { HpkePrimitives } from './primitives.ts'
import { packageError, type Suites } from './suites.ts'

/** KEM keys through the `hpke` package. They are extractable, for `exportPrivateKey`. */
export function createKem(primitives: HpkePrimitives, suites: Suites): Kem {
  async function importPublicKey(kem: KemName, bytes: Uint8Array): Promise<PackageKemPublicKey> {
    requireLength(bytes, KEM_PUBLIC_KEY_BYTES[kem], `${kem} public key`)
    const malformed = () => new KeyhavenError('WIRE_MALFORMED', `not a ${kem} public key`)
    if (kem === 'x-wing' && !passesMlKemModulusCheck(bytes)) throw malformed()
    if (kem === 'p-256' && !isUncompressedPoint(bytes)) throw malformed()
    const suite = await suites.ofKem(kem)
    try {
      const copy = Uint8Array.from(bytes)
      return new PackageKemPublicKey(kem, copy, await suite.DeserializePublicKey(copy))
    } catch (error) {
      throw packageError(error, malformed)
    }
  }

  return {
    importPublicKey,

    async generateKeyPair(kem) {
      const suite = await suites.ofKem(kem)
      try {
        const pair = await suite.GenerateKeyPair(true)
        const bytes = await suite.SerializePublicKey(pair.publicKey)
        const publicKey = new PackageKemPublicKey(kem, bytes, pair.publicKey)
        return { publicKey, privateKey: new PackageKemPrivateKey(publicKey, pair.privateKey) }
      } catch (error) {
        throw packageError(error, () => new KeyhavenError('UNSUPPORTED', `no ${kem} key could be made`))
      }
    },

    async importPrivateKey(kem, bytes) {
      requireLength(bytes, KEM_PRIVATE_KEY_BYTES[kem], `${kem} private key`)
      const suite = await suites.ofKem(kem)
      const primitive = await primitives.kem(kem)
      try {
        // A copy: the package keeps the array, and callers overwrite theirs.
        const copy = Uint8Array.from(bytes)
        const key = await suite.DeserializePrivateKey(copy, true)
        const publicKey = await importPublicKey(kem, await primitive.publicKeyOf(key, copy))
        return new PackageKemPrivateKey(publicKey, key)
      } catch (error) {
        throw packageError(error, () => new KeyhavenError('WIRE_MALFORMED', `not a ${kem} private key`))
      }
    },

    async exportPrivateKey(key: KemPrivateKey) {
      const suite = await suites.ofKem(key.kem)
      return suite.SerializePrivateKey(PackageKemPrivateKey.pair(key.kem, key).privateKey)
    },
  }
}
