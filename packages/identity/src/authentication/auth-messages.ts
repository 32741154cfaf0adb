import type { CaptureItem } from '../device/capture.ts'

/** `id` of each kind of request, as MOSIP's docs/ID-Authentication-APIs.md names them. */
export const AUTH_REQUEST_IDS = {
  auth: 'mosip.identity.auth',
  kyc: 'mosip.identity.kyc',
  otp: 'mosip.identity.otp',
  internal: 'mosip.identity.auth.internal',
} as const
/** What is asked of IDA: a yes or no, a yes with attributes, a one-time password, or internal use. */
export type AuthKind = keyof typeof AUTH_REQUEST_IDS
export const AUTH_VERSION = '1.0'
export const OTP_CHANNELS = ['EMAIL', 'PHONE'] as const
export type OtpChannel = (typeof OTP_CHANNELS)[number]
export const AUTH_ID_TYPES = ['UIN', 'VID', 'HANDLE'] as const
export type AuthIdType = (typeof AUTH_ID_TYPES)[number]

/** Header of a request: the partner's detached JWS over the very text of the body. */
export const SIGNATURE_HEADER = 'signature'
/** Header of an answer: IDA's detached JWS (K17) over the very text of the body. */
export const RESPONSE_SIGNATURE_HEADER = 'response-signature'

/** A text in one language; languages are ISO 639-2 codes such as `eng`. */
export interface LanguageValue {
  readonly language: string
  readonly value: string
}

/** What somebody claims of a person: `{ name: [{ language: 'eng', value: '…' }], dob: '1990/01/31' }`. */
export type Demographics = Readonly<Record<string, string | readonly LanguageValue[]>>

/** One biometric as an L1 device gave it (SBI): signed, and encrypted to K21 at the source. */
export type BiometricBlock = CaptureItem

/** What is encrypted: facts, section 7, "Decrypted request block". */
export interface AuthClaims {
  /** ISO 8601. */
  readonly timestamp: string
  readonly otp?: string
  readonly demographics?: Demographics
  readonly biometrics?: readonly BiometricBlock[]
}

/** Body of `…/auth` and `…/kyc`. */
export interface AuthRequestBody {
  readonly id: string
  readonly version: string
  /** 1 to 50 letters, digits, `-`, `_`, `.`; used once, but for an OTP that was asked for with it. */
  readonly transactionID: string
  /** ISO 8601 with milliseconds. */
  readonly requestTime: string
  readonly individualId: string
  readonly individualIdType: string
  readonly requestedAuth: { readonly otp: boolean; readonly demo: boolean; readonly bio: boolean }
  readonly consentObtained: boolean
  /** SHA-256 of the certificate of K20 (K19 for internal use), hex or Base64url. */
  readonly thumbprint: string
  readonly requestSessionKey: string
  readonly requestHMAC: string
  readonly request: string
  readonly env?: string
  readonly domainUri?: string
  /** Of eKYC: fewer than the policy allows. */
  readonly allowedKycAttributes?: readonly string[]
}

/** Body of `…/otp`: nothing in it is encrypted, in MOSIP. */
export interface OtpRequestBody {
  readonly id: string
  readonly version: string
  readonly transactionID: string
  readonly requestTime: string
  readonly individualId: string
  readonly individualIdType: string
  readonly otpChannel: readonly OtpChannel[]
}

export interface AuthErrorBody {
  /** `IDA-MPA-003` … */
  readonly errorCode: string
  readonly errorMessage: string
  readonly actionMessage?: string
}

/** What every call answers; `response` is null where nothing could be decided. */
export interface AuthAnswerBody<T> {
  readonly id: string
  readonly version: string
  readonly responseTime: string
  readonly transactionID: string | null
  readonly response: T | null
  readonly errors: readonly AuthErrorBody[] | null
}

export interface AuthResponse {
  readonly authStatus: boolean
  /** Token of the person for this partner (PSUT); null without success. */
  readonly authToken: string | null
}

export interface KycResponse {
  readonly kycStatus: boolean
  readonly authToken: string | null
  /** Base64url of the session key for the partner's certificate. */
  readonly sessionKey: string | null
  /** Base64url of ciphertext ‖ tag ‖ IV of the attributes as JSON. */
  readonly identity: string | null
  /** UPPERHEX of SHA-256 of the partner's certificate. */
  readonly thumbprint: string | null
}

export interface OtpResponse {
  readonly maskedMobile: string | null
  readonly maskedEmail: string | null
}
