import type { KeyObject } from 'node:crypto'
import type { KemName, KemPrivateKey, KemPublicKey } from '../backend.ts'

/**
 * What node:crypto needs of a key: one KeyObject, for x-wing one of each half and the seed they came from.
 */
export type PublicMaterial =
  | { readonly kem: 'x25519' | 'p-256'; readonly key: KeyObject }
  | { readonly kem: 'x-wing'; readonly mlKem: KeyObject; readonly x25519: KeyObject }

export type PrivateMaterial =
  | { readonly kem: 'x25519' | 'p-256'; readonly key: KeyObject }
  | {
      readonly kem: 'x-wing'
      readonly seed: KeyObject
      readonly mlKem: KeyObject
      readonly x25519: KeyObject
    }

export class NodeKemPublicKey implements KemPublicKey {
  readonly kem: KemName
  readonly bytes: Uint8Array
  readonly #material: PublicMaterial

  constructor(bytes: Uint8Array, material: PublicMaterial) {
    this.kem = material.kem
    this.bytes = bytes
    this.#material = material
  }

  /** @throws TypeError if the key is another backend's. */
  static material(key: KemPublicKey): PublicMaterial {
    if (!(key instanceof NodeKemPublicKey)) throw new TypeError('not a public key of this backend')
    return key.#material
  }
}

export class NodeKemPrivateKey implements KemPrivateKey {
  readonly kem: KemName
  readonly publicKey: KemPublicKey
  readonly #material: PrivateMaterial

  constructor(publicKey: KemPublicKey, material: PrivateMaterial) {
    this.kem = material.kem
    this.publicKey = publicKey
    this.#material = material
  }

  /** @throws TypeError if the key is another backend's. */
  static material(key: KemPrivateKey): PrivateMaterial {
    if (!(key instanceof NodeKemPrivateKey)) throw new TypeError('not a private key of this backend')
    return key.#material
  }
}
