/** What an IDA knows of partners: the last event about each, whole. No secret: keys are hashes. */
export interface IdaPartnersTable {
  application_id: string
  /** Empty: the authorities. */
  partner_id: string
  /** Of the event: an older one changes nothing. */
  sequence: number
  /** JSON. */
  document: string
  updated_at: number
}

/** Whom this IDA believes: the issuer's root certificate. One row for each application. */
export interface IdaIssuersTable {
  application_id: string
  /** DER. */
  certificate: Uint8Array
  added_at: number
  added_by: string
}

/** This IDA as a partner of the issuer (PK8): the key whose certificate shares are encrypted to. */
export interface IdaPartnerKeysTable {
  application_id: string
  /** SHA-256 of the certificate, hex. */
  thumbprint: string
  /** DER. */
  certificate: Uint8Array
  /** PKCS#8: nonce, AES-256-GCM ciphertext and tag, under a key that follows from `identity_record_keys`. */
  wrapped_key: Uint8Array
  created_at: number
}

/** Signatures and transactions that were seen; lives minutes. */
export interface IdaMarksTable {
  application_id: string
  /** SHA-256. */
  mark: Uint8Array
  expires_at: number
}

/** Failures of people (under a keyed hash) and partners within a window. */
export interface IdaFailuresTable {
  application_id: string
  subject: string
  failures: number
  /** When the count begins anew. */
  until: number
}

/** One-time passwords that were sent: keyed hashes; lives minutes. */
export interface IdaOtpsTable {
  application_id: string
  person: string
  transaction_id: string
  partner_id: string
  otp_hash: Uint8Array
  attempts: number
  expires_at: number
}

export interface IdaTables {
  ida_partners: IdaPartnersTable
  ida_issuers: IdaIssuersTable
  ida_partner_keys: IdaPartnerKeysTable
  ida_marks: IdaMarksTable
  ida_failures: IdaFailuresTable
  ida_otps: IdaOtpsTable
}
