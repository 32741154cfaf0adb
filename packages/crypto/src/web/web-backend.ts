import type { CryptoBackend } from '../backend.ts'
import { createImportAeadKey } from '../hpke-package/aead.ts'
import { createHpke } from '../hpke-package/hpke.ts'
import { createKem } from '../hpke-package/kem.ts'
import { Suites } from '../hpke-package/suites.ts'
import { randomBytes } from '../random-values.ts'
import { hkdfExpand, hkdfExtract, hmacSha256, sha256 } from './hkdf.ts'
import { lazyAes256Gcm, lazyLegacyRsa, lazyRsa, lazyRsaOaep } from './lazy-parts.ts'
import { webPrimitives } from './primitives.ts'
import { webSignatures } from './signatures.ts'
import { x25519 } from './x25519.ts'

const suites = new Suites(webPrimitives)

/**
 * WebCrypto, for browsers and workers; what a runtime's WebCrypto lacks comes from noble, loaded when first
 * needed.
 */
export const webBackend: CryptoBackend = {
  name: 'webcrypto',
  deterministicEncapsulation: false,
  randomBytes,
  sha256,
  hmacSha256,
  hkdfExtract,
  hkdfExpand,
  x25519,
  importAeadKey: createImportAeadKey(webPrimitives),
  kem: createKem(webPrimitives, suites),
  hpke: createHpke(suites),
  signatures: webSignatures,
  rsaOaep: lazyRsaOaep,
  legacyRsa: lazyLegacyRsa,
  rsa: lazyRsa,
  aes256Gcm: lazyAes256Gcm,
}
