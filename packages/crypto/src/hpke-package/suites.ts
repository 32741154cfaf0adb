import { CipherSuite, type KEMFactory, NotSupportedError } from 'hpke'
import type { HpkeSuite, KemName } from '../backend.ts'
import { KeyhavenError } from '../error.ts'
import type { HpkePrimitives } from './primitives.ts'

/** Suites are made once: the package checks its parts each time. */
export class Suites {
  readonly #primitives: HpkePrimitives
  readonly #suites = new Map<string, Promise<CipherSuite>>()

  constructor(primitives: HpkePrimitives) {
    this.#primitives = primitives
  }

  of(suite: HpkeSuite): Promise<CipherSuite> {
    const name = `${suite.kem} ${suite.aead}`
    let made = this.#suites.get(name)
    if (!made) {
      made = this.#make(suite)
      // A part that could not be loaded may load the next time.
      made.catch(() => this.#suites.delete(name))
      this.#suites.set(name, made)
    }
    return made
  }

  /** For work that needs the KEM only. */
  ofKem(kem: KemName): Promise<CipherSuite> {
    return this.of({ kem, aead: 'aes-256-gcm' })
  }

  /** @throws KeyhavenError `UNSUPPORTED` where the KEM draws its own randomness. */
  async deterministic(suite: HpkeSuite, ephemeral: Uint8Array): Promise<CipherSuite> {
    const primitive = await this.#primitives.kem(suite.kem)
    if (!primitive.deterministic) {
      throw new KeyhavenError('UNSUPPORTED', 'no deterministic encapsulation here')
    }
    return this.#make(suite, await primitive.deterministic(ephemeral))
  }

  async #make(suite: HpkeSuite, kem?: KEMFactory): Promise<CipherSuite> {
    const factory = kem ?? (await this.#primitives.kem(suite.kem)).factory
    return new CipherSuite(factory, this.#primitives.kdf, await this.#primitives.aead(suite.aead))
  }
}

/** @returns a KeyhavenError `UNSUPPORTED` if the runtime lacks the algorithm, else `other()`. */
export function packageError(error: unknown, other: () => Error): Error {
  if (error instanceof KeyhavenError) return error
  return error instanceof NotSupportedError
    ? new KeyhavenError('UNSUPPORTED', 'this runtime lacks the algorithm')
    : other()
}
