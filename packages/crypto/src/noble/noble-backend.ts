import type { CryptoBackend } from '../backend.ts'
import { createImportAeadKey } from '../hpke-package/aead.ts'
import { createHpke } from '../hpke-package/hpke.ts'
import { createKem } from '../hpke-package/kem.ts'
import { Suites } from '../hpke-package/suites.ts'
import { randomBytes } from '../random-values.ts'
import { hkdfExpand, hkdfExtract, hmacSha256, sha256 } from './hkdf.ts'
import { nobleLegacyRsa } from './legacy-rsa.ts'
import { noblePrimitives } from './primitives.ts'
import { nobleAes256Gcm, nobleRsa } from './rsa.ts'
import { nobleRsaOaep } from './rsa-oaep.ts'
import { nobleSignatures } from './signatures.ts'
import { x25519 } from './x25519.ts'

const suites = new Suites(noblePrimitives)

/** Pure JavaScript, for runtimes without `crypto.subtle`; it needs `crypto.getRandomValues` only. */
export const nobleBackend: CryptoBackend = {
  name: 'noble',
  deterministicEncapsulation: true,
  randomBytes,
  sha256,
  hmacSha256,
  hkdfExtract,
  hkdfExpand,
  x25519,
  importAeadKey: createImportAeadKey(noblePrimitives),
  kem: createKem(noblePrimitives, suites),
  hpke: createHpke(suites),
  signatures: nobleSignatures,
  rsaOaep: nobleRsaOaep,
  legacyRsa: nobleLegacyRsa,
  rsa: nobleRsa,
  aes256Gcm: nobleAes256Gcm,
}
