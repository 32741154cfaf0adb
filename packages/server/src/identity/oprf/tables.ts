/** Keys of the oblivious PRF's server. */
export interface OprfKeysTable {
  application_id: string
  version: number
  public_key: Uint8Array
  /** Under the module key of the OPRF. */
  wrapped: Uint8Array
  state: string
  created_at: number
}

/** Orders that were used: each is good for one evaluation by one key. */
export interface OprfOrdersTable {
  application_id: string
  /** SHA-256 of the order and the key's version. */
  order_hash: Uint8Array
  used_at: number
}

/** Evaluations of a caller in a day. */
export interface OprfQuotasTable {
  application_id: string
  caller: string
  /** Days since the epoch. */
  day: number
  used: number
}

/** Public keys that a client has seen: a version's never changes. */
export interface OprfPublicKeysTable {
  application_id: string
  version: number
  public_key: Uint8Array
}

export interface OprfTables {
  identity_oprf_keys: OprfKeysTable
  identity_oprf_orders: OprfOrdersTable
  identity_oprf_quotas: OprfQuotasTable
  identity_oprf_public_keys: OprfPublicKeysTable
}
