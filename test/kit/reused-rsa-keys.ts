import { type CryptoBackend, backend as defaultBackend, type Jwk } from '@keyhaven/crypto'

interface KeyPair {
  readonly publicKey: Jwk
  readonly privateKey: Jwk
}

const pairs: KeyPair[] = []
const signing: Jwk[] = []

/**
 * The usual backend, whose keys of RSA-3072 are those that an earlier one has made, in their order: making one takes a
 * quarter of a second of processor time. No two keys of one backend are the same: all parties of a test share one.
 */
export function reusedRsaKeys(): CryptoBackend {
  const { rsaOaep, signatures } = defaultBackend
  let pairsGiven = 0
  let signingGiven = 0
  return {
    ...defaultBackend,
    rsaOaep: {
      ...rsaOaep,
      async generateKeyPair(modulusBits) {
        if (modulusBits !== 3_072) return rsaOaep.generateKeyPair(modulusBits)
        const at = pairsGiven++
        pairs[at] ??= await rsaOaep.generateKeyPair(modulusBits)
        return structuredClone(pairs[at])
      },
    },
    signatures: {
      ...signatures,
      async generateKeyPair(algorithm) {
        if (algorithm !== 'PS256') return signatures.generateKeyPair(algorithm)
        const at = signingGiven++
        signing[at] ??= await signatures.exportSigningKey(await signatures.generateKeyPair(algorithm))
        return signatures.importSigningKey(algorithm, signing[at])
      },
    },
  }
}
