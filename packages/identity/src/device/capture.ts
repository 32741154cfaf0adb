import type { BiometricType } from '../biometrics/modality.ts'

/** What a capture is for: it decides whether its value is encrypted. */
export type CapturePurpose = 'Registration' | 'Auth'

/**
 * What kind of device signs (MOSIP's SBI 1.0 and 2.0): `L0` with a key on its computer, `L1` with keys in a
 * chip of its own (FTM), which encrypts at the source too.
 */
export type DeviceLevel = 'L0' | 'L1'

/** Answer of a biometric device to a capture (MOSIP's Secure Biometric Interface, `CAPTURE` and `RCAPTURE`). */
export interface CaptureResponse {
  readonly biometrics: readonly CaptureItem[]
}

/** One biometric of a capture. */
export interface CaptureItem {
  readonly specVersion: string
  /** Compact JWS by the device's key with its certificates; its payload is a {@link CaptureData}. */
  readonly data: string
  /** Hash chain over this value and all before it, 64 upper-case hexadecimal digits. */
  readonly hash: string
  /** Base64url of the wrapped session key; only where the value is encrypted. */
  readonly sessionKey?: string
  /** Of the certificate that the session key is wrapped for: SHA-256 in hexadecimal. */
  readonly thumbprint?: string
  /** What went wrong; code `0`: nothing. */
  readonly error?: { readonly errorCode: string; readonly errorInfo: string } | null
}

/** What a device signs of one biometric. */
export interface CaptureData {
  /** Compact JWS with a {@link DigitalId} as payload: of an L1 device by its chip's key FK1. */
  readonly digitalId: string
  readonly deviceCode: string
  readonly deviceServiceVersion: string
  readonly bioType: BiometricType
  /** `Left IndexFinger`, `Right`, `UNKNOWN`; '' for a face. */
  readonly bioSubType: string
  readonly purpose: CapturePurpose
  /** `Staging`, `Developer`, `Pre-Production`, `Production`. */
  readonly env: string
  readonly domainUri: string
  /** Base64url of the biometric, or of its ciphertext. */
  readonly bioValue: string
  readonly transactionId: string
  /** ISO 8601. */
  readonly timestamp: string
  /** 0 to 100, as text. */
  readonly requestedScore: string
  readonly qualityScore: string
}

/** Who a device is. */
export interface DigitalId {
  readonly serialNo: string
  readonly make: string
  readonly model: string
  readonly type: BiometricType
  readonly deviceSubType: string
  readonly deviceProvider: string
  readonly deviceProviderId: string
  /** ISO 8601. */
  readonly dateTime: string
}

/** What the application asked the device for. */
export interface CaptureRequest {
  readonly purpose: CapturePurpose
  /** At least 10 characters, another for each capture. */
  readonly transactionId: string
  readonly env: string
  readonly domainUri: string
  /** Milliseconds since the epoch, when it asked. */
  readonly requestedAt: number
  /** What the hash chain goes on from; default: nothing before. */
  readonly previousHash?: string | undefined
}
