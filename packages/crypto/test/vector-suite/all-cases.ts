import type { CryptoBackend } from '../../src/public-api.ts'
import { type HpkeVector, hpkeCases } from './hpke-cases.ts'
import { legacyRsaCases } from './legacy-rsa-cases.ts'
import { refusalCases } from './refusal-cases.ts'
import { type ThumbprintFile, thumbprintCases } from './thumbprint-cases.ts'
import type { VectorCase } from './vector-case.ts'
import {
  type AeadGroup,
  type AeadTest,
  aesGcmCases,
  chaChaCases,
  type HkdfTest,
  hkdfCases,
  type OaepGroup,
  type OaepTest,
  oaepCases,
  type SignatureGroup,
  type SignatureTest,
  signatureCases,
  type WycheproofFile,
  type X25519Test,
  x25519Cases,
} from './wycheproof-cases.ts'
import { type XWingKemVector, xWingKemCases } from './x-wing-kem-cases.ts'

/** The files of vectors/, parsed. Whoever runs the suite loads them: from disk, or over HTTP in a browser. */
export interface VectorFiles {
  readonly 'hpke/rfc9180.json': readonly HpkeVector[]
  readonly 'hpke/x-wing.json': readonly HpkeVector[]
  readonly 'hpke/x-wing-kem.json': readonly XWingKemVector[]
  readonly 'jose/rfc7638.json': ThumbprintFile
  readonly 'wycheproof/aes_gcm_test.json': WycheproofFile<AeadTest, AeadGroup>
  readonly 'wycheproof/chacha20_poly1305_test.json': WycheproofFile<AeadTest, AeadGroup>
  readonly 'wycheproof/ed25519_test.json': WycheproofFile<SignatureTest, SignatureGroup>
  readonly 'wycheproof/hkdf_sha256_test.json': WycheproofFile<HkdfTest>
  readonly 'wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json': WycheproofFile<OaepTest, OaepGroup>
  readonly 'wycheproof/rsa_oaep_3072_sha256_mgf1sha256_test.json': WycheproofFile<OaepTest, OaepGroup>
  readonly 'wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json': WycheproofFile<SignatureTest, SignatureGroup>
  readonly 'wycheproof/x25519_test.json': WycheproofFile<X25519Test>
}

export const VECTOR_FILES = [
  'hpke/rfc9180.json',
  'hpke/x-wing.json',
  'hpke/x-wing-kem.json',
  'jose/rfc7638.json',
  'wycheproof/aes_gcm_test.json',
  'wycheproof/chacha20_poly1305_test.json',
  'wycheproof/ed25519_test.json',
  'wycheproof/hkdf_sha256_test.json',
  'wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json',
  'wycheproof/rsa_oaep_3072_sha256_mgf1sha256_test.json',
  'wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json',
  'wycheproof/x25519_test.json',
] as const satisfies readonly (keyof VectorFiles)[]

/** The one list that every backend must pass. */
export function allCases(backend: CryptoBackend, files: VectorFiles): VectorCase[] {
  return [
    ...hpkeCases(backend, files['hpke/rfc9180.json']),
    ...hpkeCases(backend, files['hpke/x-wing.json']),
    ...xWingKemCases(backend, files['hpke/x-wing-kem.json']),
    ...aesGcmCases(backend, files['wycheproof/aes_gcm_test.json']),
    ...chaChaCases(backend, files['wycheproof/chacha20_poly1305_test.json']),
    ...signatureCases(backend, 'EdDSA', files['wycheproof/ed25519_test.json']),
    ...signatureCases(backend, 'PS256', files['wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json']),
    ...hkdfCases(backend, files['wycheproof/hkdf_sha256_test.json']),
    ...oaepCases(backend, files['wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json']),
    ...oaepCases(backend, files['wycheproof/rsa_oaep_3072_sha256_mgf1sha256_test.json']),
    ...x25519Cases(backend, files['wycheproof/x25519_test.json']),
    ...thumbprintCases(backend, files['jose/rfc7638.json']),
    ...refusalCases(backend),
    ...legacyRsaCases(backend),
  ]
}
