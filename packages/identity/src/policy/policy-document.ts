/** Kinds of MOSIP policies. */
export const POLICY_TYPES = ['DataShare', 'Auth', 'MISP'] as const
export type PolicyType = (typeof POLICY_TYPES)[number]

/** `transactionsAllowed` of a share that may be read any number of times. */
export const UNLIMITED_READS = -1
/** How the data of a share is protected: for the subscriber's certificate, or not at all. */
export const ENCRYPTION_TYPES = ['Partner Based', 'none'] as const
export type EncryptionType = (typeof ENCRYPTION_TYPES)[number]

/** What of an attribute is shared: of biometrics a modality and its parts, of texts a language. */
export interface AttributeFilter {
  readonly type?: string
  readonly subType?: readonly string[]
  readonly language?: string
}

export interface AttributeSource {
  /** Name of the attribute, or `SOURCE/PROCESS/NAME`. */
  readonly attribute: string
  readonly filter?: readonly AttributeFilter[]
}

/** One attribute that a subscriber gets. */
export interface ShareableAttribute {
  readonly attributeName: string
  /** `CBEFF` for biometrics. */
  readonly group?: string
  readonly source: readonly AttributeSource[]
  /** Whether it is encrypted by itself besides (zero-knowledge encryption towards IDA). */
  readonly encrypted: boolean
  /** Of biometrics `extraction` (templates, no images); of a date what is left of it, as `YYYY`. */
  readonly format?: string
}

/** How a share is given out. MOSIP's wire has the numbers as texts. */
export interface ShareRules {
  readonly typeOfShare: string
  /** From 1. */
  readonly validForInMinutes: number
  /** From 1, or {@link UNLIMITED_READS}. */
  readonly transactionsAllowed: number
  readonly encryptionType: EncryptionType
  readonly shareDomain: string
  readonly source: string
}

/** MOSIP: mosip/partner-management-services, policy-validator, data-share-policy-schema.json. */
export interface DataSharePolicy {
  readonly dataSharePolicies: ShareRules
  readonly shareableAttributes: readonly ShareableAttribute[]
}

export interface AllowedAuthType {
  /** `otp`, `otp-request`, `demo`, `bio`, `kyc` … */
  readonly authType: string
  /** Of `bio`: `FINGER`, `IRIS`, `FACE`; otherwise empty. */
  readonly authSubType: string
  /** Whether a request without it is refused. */
  readonly mandatory: boolean
}

export const AUTH_TOKEN_TYPES = ['random', 'partner', 'policy'] as const

/** What a relying party may ask for. */
export interface AuthPolicy {
  readonly allowedAuthTypes: readonly AllowedAuthType[]
  readonly allowedKycAttributes: readonly { readonly attributeName: string }[]
  /** For whom the token of a person (PSUT) is the same: nobody, the partner, the policy's partners. */
  readonly authTokenType: (typeof AUTH_TOKEN_TYPES)[number]
  readonly kycLanguages?: readonly string[]
}

/** What a licensed provider of the network (MISP) may do for partners. */
export interface MispPolicy {
  readonly allowAuthRequestDelegation: boolean
  readonly allowKycRequestDelegation: boolean
}

/** A policy as it is published: {@link parsePolicy} has checked it. */
export type PolicyBody =
  | { readonly type: 'DataShare'; readonly body: DataSharePolicy }
  | { readonly type: 'Auth'; readonly body: AuthPolicy }
  | { readonly type: 'MISP'; readonly body: MispPolicy }
