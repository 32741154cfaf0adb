/** One row a tenant. */
export interface ApplicationsTable {
  id: string
  name: string
  created_at: number
  /** 1 for the one that `/.well-known/ohttp-gateway` serves. */
  is_default: number
  /** 1 for the application of the server's own admin API, which no list shows. */
  is_system: number
  /** Of new keys: `x-wing/aes-256-gcm`. */
  default_suite: string
  /** `online`: the server holds the root keys. `offline`: somebody else does, and installs delegations. */
  trust_mode: string
  /** JSON list of RFC 7638 thumbprints, the present root first. */
  root_thumbprints: string
}

export interface ApplicationTables {
  applications: ApplicationsTable
}
