import type { CryptoBackend, Jwk } from '../../src/public-api.ts'
import { jwkThumbprint } from '../../src/public-api.ts'
import { expectTrue, type VectorCase } from './vector-case.ts'

export interface ThumbprintFile {
  readonly vectors: readonly { readonly jwk: Jwk; readonly sha256: string }[]
}

export function thumbprintCases(backend: CryptoBackend, file: ThumbprintFile): VectorCase[] {
  return file.vectors.map((vector) => ({
    name: `RFC 7638 thumbprint of ${vector.jwk.kty}`,
    async run() {
      const thumbprint = await jwkThumbprint(backend, vector.jwk)
      expectTrue(thumbprint === vector.sha256, `got ${thumbprint}`)
    },
  }))
}
