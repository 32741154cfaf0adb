import type { BiometricType } from './modality.ts'

export const BIR_PURPOSES = [
  'Verify',
  'Identify',
  'Enroll',
  'EnrollVerify',
  'EnrollIdentify',
  'Audit',
] as const
export type BirPurpose = (typeof BIR_PURPOSES)[number]
export const BIR_LEVELS = ['Raw', 'Intermediate', 'Processed'] as const
/** `Raw` is what a sensor saw, `Processed` a template extracted from it. */
export type BirLevel = (typeof BIR_LEVELS)[number]

/** One biometric information record: one finger, one eye or one face (ISO/IEC 19785-3, as MOSIP fills it). */
export interface Bir {
  readonly type: BiometricType
  /** Words of `BDBInfo/Subtype`: `['Left', 'IndexFinger']`, `['Right']`; none for a face. */
  readonly subtypes: readonly string[]
  /** 0 to 100, higher is better. */
  readonly quality: number
  /** The biometric data block. */
  readonly bdb: Uint8Array
  readonly purpose: BirPurpose
  /** ISO 8601 in UTC. */
  readonly createdOn: string
  /** @defaultValue Raw */
  readonly level?: BirLevel
  /** The security block: for a capture, the device's signature (see {@link captureEvidence}). */
  readonly sb?: Uint8Array
  /** MOSIP's addition to the standard: `EXCEPTION`, `RETRIES`, `PAYLOAD`, `SPEC_VERSION` and such. */
  readonly others?: Readonly<Record<string, string>>
}

/** What one CBEFF file holds: all records of one person, or of one operator. */
export interface CbeffRecord {
  readonly birs: readonly Bir[]
  /** What MOSIP notes of the whole file, such as `CONFIGURED`. */
  readonly others?: Readonly<Record<string, string>>
}
