import type { Key } from 'hpke'
import type { KemName, KemPrivateKey, KemPublicKey } from '../backend.ts'

/**
 * A public key of the `hpke` package. Another backend's key is refused: the runtimes cannot use each
 * other's.
 */
export class PackageKemPublicKey implements KemPublicKey {
  readonly kem: KemName
  readonly bytes: Uint8Array
  readonly #key: Key

  constructor(kem: KemName, bytes: Uint8Array, key: Key) {
    this.kem = kem
    this.bytes = bytes
    this.#key = key
  }

  /** @throws TypeError if the key is another backend's or of another KEM. */
  static key(kem: KemName, key: KemPublicKey): Key {
    if (!(key instanceof PackageKemPublicKey)) throw new TypeError('not a public key of this backend')
    if (key.kem !== kem) throw new TypeError('the public key is of another KEM than the suite')
    return key.#key
  }
}

export class PackageKemPrivateKey implements KemPrivateKey {
  readonly kem: KemName
  readonly publicKey: PackageKemPublicKey
  readonly #key: Key

  constructor(publicKey: PackageKemPublicKey, key: Key) {
    this.kem = publicKey.kem
    this.publicKey = publicKey
    this.#key = key
  }

  /** @throws TypeError if the key is another backend's or of another KEM. */
  static pair(kem: KemName, key: KemPrivateKey): { privateKey: Key; publicKey: Key } {
    if (!(key instanceof PackageKemPrivateKey)) throw new TypeError('not a private key of this backend')
    return { privateKey: key.#key, publicKey: PackageKemPublicKey.key(kem, key.publicKey) }
  }
}
