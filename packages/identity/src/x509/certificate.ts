import type { RsaPublicKey } from '@keyhaven/crypto'

/** What a certificate's key may do (RFC 5280 §4.2.1.3), as far as we ask. */
export type KeyUsageName =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'

/** An X.509 certificate, parsed and not verified. */
export interface Certificate {
  readonly der: Uint8Array
  /** SHA-256 of the DER, 32 bytes. */
  readonly thumbprint: Uint8Array
  /** Distinguished names as text, for people; names are compared by their DER. */
  readonly subject: string
  readonly issuer: string
  /** The subject's first `CN`; empty if it has none. */
  readonly commonName: string
  /** Values of the subject's `O`: MOSIP ties a partner's certificate to his organisation by it. */
  readonly organisations: readonly string[]
  /** Hexadecimal. */
  readonly serial: string
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** `modulusBits` is 0 if it is no RSA key: it then verifies and encrypts nothing. */
  readonly publicKey: RsaPublicKey
  /** Undefined: the certificate names none, so that none is excluded. */
  readonly keyUsage: readonly KeyUsageName[] | undefined
  readonly isCa: boolean
  /** How many CA certificates may stand below it; undefined: any number. */
  readonly pathLength: number | undefined
}
