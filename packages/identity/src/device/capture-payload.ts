import { fromUtf8, KeyhavenError } from '@keyhaven/crypto'
import { isBiometricType, isSubtypeOf } from '../biometrics/modality.ts'
import type { CaptureData, DigitalId } from './capture.ts'

const DATA_TEXTS = [
  'digitalId',
  'deviceCode',
  'deviceServiceVersion',
  'purpose',
  'env',
  'domainUri',
  'bioValue',
  'transactionId',
  'timestamp',
] as const
const DIGITAL_ID_TEXTS = [
  'serialNo',
  'make',
  'model',
  'deviceSubType',
  'deviceProvider',
  'deviceProviderId',
  'dateTime',
] as const

/** Reads what a device signed of one biometric. @throws KeyhavenError `INPUT_INVALID` */
export function readCaptureData(payload: Uint8Array): CaptureData {
  const data = readObject(payload, 'data')
  requireTexts(data, DATA_TEXTS)
  const { bioType, bioSubType = '' } = data
  if (!isBiometricType(bioType) || typeof bioSubType !== 'string' || !isSubtypeOf(bioType, bioSubType)) {
    throw mismatch('bioType')
  }
  return {
    ...(data as unknown as CaptureData),
    bioSubType,
    requestedScore: scoreOf(data.requestedScore),
    qualityScore: scoreOf(data.qualityScore),
  }
}

/** Scores are texts in MOSIP's devices and numbers in its servers. */
function scoreOf(value: unknown): string {
  const score = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  if (!(score >= 0 && score <= 100)) throw mismatch('score')
  return String(value)
}

/** @throws KeyhavenError `INPUT_INVALID` */
export function readDigitalId(payload: Uint8Array): DigitalId {
  const digitalId = readObject(payload, 'digitalId')
  requireTexts(digitalId, DIGITAL_ID_TEXTS)
  if (!isBiometricType(digitalId.type)) throw mismatch('digitalId.type')
  return digitalId as unknown as DigitalId
}

function readObject(payload: Uint8Array, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(fromUtf8(payload))
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch {
    // falls through to the one error for both
  }
  throw mismatch(what)
}

function requireTexts(object: Record<string, unknown>, names: readonly string[]): void {
  for (const name of names) if (typeof object[name] !== 'string') throw mismatch(name)
}

/** A capture that does not say what it must; names the member. */
export function mismatch(what: string): KeyhavenError {
  return new KeyhavenError('INPUT_INVALID', `capture: ${what}`)
}
