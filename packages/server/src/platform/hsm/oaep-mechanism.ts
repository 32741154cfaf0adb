import type * as Pkcs11 from 'pkcs11js'

/** Of the label: it is given, and empty (PKCS #11 v2.40, 2.1.7). */
const CKZ_DATA_SPECIFIED = 1

/** RSA-OAEP with SHA-256 and MGF1-SHA-256, empty label. */
export function oaepSha256(pkcs11: typeof Pkcs11): Pkcs11.Mechanism {
  const parameter: Pkcs11.RsaOAEP = {
    type: pkcs11.CK_PARAMS_RSA_OAEP,
    hashAlg: pkcs11.CKM_SHA256,
    mgf: pkcs11.CKG_MGF1_SHA256,
    source: CKZ_DATA_SPECIFIED,
  }
  return { mechanism: pkcs11.CKM_RSA_PKCS_OAEP, parameter }
}
