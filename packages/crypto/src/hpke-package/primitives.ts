import type { AEADFactory, KDFFactory, KEMFactory, Key } from 'hpke'
import type { AeadName, Awaitable, KemName } from '../backend.ts'

/** A KEM for the `hpke` package, with what its interface lacks. */
export interface KemPrimitive {
  readonly factory: KEMFactory
  /** Serialised public key of a private one. @param secret - the private key's bytes, not kept. */
  publicKeyOf(privateKey: Key, secret: Uint8Array): Awaitable<Uint8Array>
  /** The KEM with its randomness given, for vectors; absent where the runtime draws its own. */
  deterministic?(ephemeral: Uint8Array): Awaitable<KEMFactory>
}

/** What the `hpke` package is put together from: WebCrypto, noble, or some of each. */
export interface HpkePrimitives {
  readonly kdf: KDFFactory
  kem(kem: KemName): Awaitable<KemPrimitive>
  aead(aead: AeadName): Awaitable<AEADFactory>
}
