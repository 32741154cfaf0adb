import type { Profile } from '../profile.ts'
import type { AuthErrorBody, AuthIdType, BiometricBlock, Demographics, OtpChannel } from './auth-messages.ts'

/** What a relying party has from IDA's operator and from the partner manager. */
export interface RelyingPartyOptions {
  /** Address of IDA, such as `https://ida.example`. */
  readonly url: string
  /** @defaultValue mosip */
  readonly profile?: Profile
  readonly partnerId: string
  readonly apiKey: string
  /** Of the MISP through which the partner calls. */
  readonly licenceKey: string
  /** The partner's certificate, then those above it; PEM. */
  readonly certificate: string
  /** Its private key, PKCS#8, PEM: signs requests, and opens eKYC in profile `mosip`. */
  readonly privateKey: string
  /** Profile `keyhaven`: the private key of the partner's registered HPKE key (x-wing), 32 bytes. */
  readonly encryptionKey?: Uint8Array
  /** Root certificates of IDA (K15), PEM: whoever they do not lead to is not believed. */
  readonly idaRoots: string
  /** Certificate of K20, PEM, with those above it; else it is fetched. */
  readonly idaCertificate?: string
  /** As devices have it: `Staging`, `Production`. */
  readonly env?: string
  readonly domainUri?: string
  readonly fetch?: typeof globalThis.fetch
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
}

/** Whom it is about. */
export interface Subject {
  readonly id: string
  /** @defaultValue UIN */
  readonly idType?: AuthIdType
  /** Of biometrics or of an OTP that was asked for before; else a new one. */
  readonly transactionId?: string
}

/** What proves it: at least one. */
export interface AuthenticateOptions extends Subject {
  readonly demographics?: Demographics
  readonly otp?: string
  /** `biometrics` of a device's answer. */
  readonly biometrics?: readonly BiometricBlock[]
}

export interface KycOptions extends AuthenticateOptions {
  /** That the person has agreed to it. */
  readonly consent: boolean
  /** Fewer than the policy allows. */
  readonly attributes?: readonly string[]
}

export interface OtpOptions extends Subject {
  readonly channels: readonly OtpChannel[]
}

export interface AuthenticationResult {
  readonly authenticated: boolean
  /** The person's token for this partner (PSUT). */
  readonly token?: string
  readonly transactionId: string
  /** Why not: IDA's codes. */
  readonly errors: readonly AuthErrorBody[]
}

export interface KycResult extends AuthenticationResult {
  readonly identity?: Readonly<Record<string, unknown>>
}

export interface OtpResult {
  readonly sent: boolean
  readonly transactionId: string
  readonly maskedEmail?: string
  readonly maskedMobile?: string
  readonly errors: readonly AuthErrorBody[]
}

export interface RelyingParty {
  /**
   * Asks IDA whether it is this person.
   *
   * @throws KeyhavenError `SIGNATURE_INVALID`, `CERTIFICATE_INVALID` (the answer is not IDA's), `UPSTREAM_FAILED`
   *   (no answer). A refusal is no error: it stands in the result.
   */
  authenticate(options: AuthenticateOptions): Promise<AuthenticationResult>
  /** {@link authenticate}, and the attributes that the policy allows. @throws KeyhavenError also `OPEN_FAILED`. */
  kyc(options: KycOptions): Promise<KycResult>
  /** Has a one-time password sent; use its transaction id when it comes. */
  requestOtp(options: OtpOptions): Promise<OtpResult>
  /** A fresh one, for a device to bind biometrics to. */
  newTransactionId(): string
}
