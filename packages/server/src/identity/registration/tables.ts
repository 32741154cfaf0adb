/** Where people are registered. */
export interface IdentityCentresTable {
  application_id: string
  id: string
  name: string
  created_at: number
  /** Null while it is open. */
  closed_at: number | null
}

/** A machine with a registration client, and its key K10. */
export interface IdentityMachinesTable {
  application_id: string
  centre: string
  id: string
  /** SubjectPublicKeyInfo, DER. */
  public_key: Uint8Array
  /** SHA-256 of it, with colons. */
  key_index: string
  created_at: number
  /** Null while it is active. */
  ended_at: number | null
}

/** Who may register people, from when to when. */
export interface IdentityOfficersTable {
  application_id: string
  /** Subject of the OIDC provider that operators sign in with. */
  officer: string
  /** Milliseconds since the epoch. */
  since: number
  /** Null: still. */
  until: number | null
  added_by: string
}

/** A packet as it came; its bytes are in the object store. */
export interface IdentityPacketsTable {
  application_id: string
  id: string
  rid: string
  ref_id: string
  /** Who uploads it. */
  actor: string
  /** `uploading`, `completing` (all bytes are here), `complete`, `deleting`. */
  state: string
  bytes: number
  received: number
  upload: string
  tail: string
  tail_bytes: number
  created_at: number
  changed_at: number
}

export interface IdentityPacketPartsTable {
  application_id: string
  file_id: string
  part: number
  tag: string
  bytes: number
}

/** One registration, as far as it is. */
export interface IdentityRegistrationsTable {
  application_id: string
  rid: string
  ref_id: string
  /** `RECEIVED` … `CREDENTIALS_ISSUED`, `REJECTED`. */
  stage: string
  /** Of a rejection: code and check. */
  reason: string | null
  /** Packets so far: a rejected one can be corrected. */
  attempt: number
  /** The present packet. */
  packet: string
  packet_bytes: number
  /** SHA-256, hex. */
  packet_hash: string
  officer: string | null
  /** Demographics, sealed under K11. */
  demographics: Uint8Array | null
  /** Compact JWS of the processor over what it verified. */
  receipt: string | null
  /** Of the repository. */
  record: string | null
  received_at: number
  changed_at: number
}

/** What happened to a registration. */
export interface IdentityRegistrationEventsTable {
  application_id: string
  rid: string
  sequence: number
  stage: string
  reason: string | null
  at: number
}

/** Who was compared with whom, in which order. */
export interface IdentityGalleryTable {
  application_id: string
  rid: string
  /** Whoever comes later is the duplicate. */
  position: number
  /** Keyed hash of name, date of birth and gender. */
  demographic_tag: string
  /** 1 if there are biometrics. */
  biometrics: number
}

/** An ID schema, as it was added. */
export interface IdentitySchemasTable {
  application_id: string
  /** A number, as text. */
  version: string
  /** JSON. */
  schema: string
  added_at: number
  added_by: string
}

/** Templates of the built-in ABIS, which knows simulated biometrics only. */
export interface IdentitySimulatedAbisTable {
  application_id: string
  rid: string
  /** CBEFF, sealed. */
  templates: Uint8Array
}

export interface RegistrationTables {
  identity_centres: IdentityCentresTable
  identity_machines: IdentityMachinesTable
  identity_officers: IdentityOfficersTable
  identity_packets: IdentityPacketsTable
  identity_packet_parts: IdentityPacketPartsTable
  identity_registrations: IdentityRegistrationsTable
  identity_registration_events: IdentityRegistrationEventsTable
  identity_gallery: IdentityGalleryTable
  identity_simulated_abis: IdentitySimulatedAbisTable
  identity_schemas: IdentitySchemasTable
}
