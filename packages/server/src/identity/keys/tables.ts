/** Every generation of every identity key: its certificate, and of base keys the wrapped private part. */
export interface IdentityKeysTable {
  application_id: string
  app_id: string
  /** Empty where MOSIP's table of keys has a dash. */
  ref_id: string
  generation: number
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  thumbprint: string
  /** DER. */
  certificate: Uint8Array
  /** Of the key that signed it; null of a root. */
  parent_generation: number | null
  /** Base keys: under the parent's key, base64url. Null where it is in the module. */
  private_key: string | null
  created_at: number
  not_after: number
}

/** Root, module and master keys where there is no HSM: under the master keyring. */
export interface IdentityModuleKeysTable {
  application_id: string
  app_id: string
  ref_id: string
  generation: number
  /** `rsa-2048`: PKCS#8; `aes-256`: 32 bytes. */
  kind: string
  wrapped_key: Uint8Array
  master_key_id: string
  created_at: number
}

/** Who may decrypt and sign with the keys of an application id; no row: every service. */
export interface IdentityKeyPoliciesTable {
  application_id: string
  app_id: string
  /** `token:NAME`. */
  actor: string
}

/** The two profiles share no key: each has tables of its own. */
export interface IdentityKeyTables {
  identity_keys_mosip: IdentityKeysTable
  identity_keys_keyhaven: IdentityKeysTable
  identity_module_keys_mosip: IdentityModuleKeysTable
  identity_module_keys_keyhaven: IdentityModuleKeysTable
  identity_key_policies: IdentityKeyPoliciesTable
}
