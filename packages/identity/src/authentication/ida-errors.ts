import type { AuthErrorBody } from './auth-messages.ts'

/**
 * Codes and texts of MOSIP's IDA that are used here (mosip/id-authentication, IdAuthenticationErrorConstants
 * of 1.2); `%s` stands for a word. Codes are never renamed.
 */
const IDA_ERRORS = {
  OTP_FLOODED: ['IDA-OTA-001', 'Innumerous OTP requests received'],
  OTP_NOT_SENT: ['IDA-OTA-002', 'Could not generate/send OTP'],
  OTP_INVALID: ['IDA-OTA-004', 'OTP is invalid', 'Please provide correct OTP value'],
  OTP_LOCKED: ['IDA-OTA-007', 'UIN is locked for OTP validation due to exceeding no of invalid OTP trials'],
  OTP_CHANNEL_MISSING: ['IDA-OTA-008', 'OTP Notification Channel not provided'],
  OTP_CHANNEL_UNSUPPORTED: ['IDA-OTA-009', '%s not configured for the country'],
  TIMESTAMP_INVALID: [
    'IDA-MLC-001',
    'Request to be received at MOSIP within %s seconds',
    'Please send the request within %s seconds',
  ],
  PARAMETER_MISSING: ['IDA-MLC-006', 'Missing Input Parameter - %s'],
  UNABLE_TO_PROCESS: ['IDA-MLC-007', 'Request could not be processed. Please try again'],
  NO_AUTH_TYPE: ['IDA-MLC-008', 'No authentication type selected'],
  PARAMETER_INVALID: ['IDA-MLC-009', 'Invalid Input Parameter - %s'],
  CONSENT_MISSING: ['IDA-MLC-012', "Individual's Consent is not available"],
  AUTH_TYPE_MISSING: ['IDA-MLC-013', 'Missing %s auth attribute'],
  BIO_TRANSACTION: ['IDA-MLC-016', 'Transaction ID parameters in the request does not match'],
  AUTH_LOCKED: ['IDA-MLC-019', '%s Auth Type is Locked for the UIN'],
  BIO_MISMATCHED_REQUEST: ['IDA-MLC-024', '%s of request is not matching with %s of biometrics'],
  BIO_TIMESTAMP: ['IDA-MLC-030', 'Biometrics not captured within %s seconds of previous biometrics'],
  DEMO_MISMATCH: ['IDA-DEA-001', 'Demographic data %s did not match', 'Please re-enter your %s'],
  DEMO_MISMATCH_LANGUAGE: [
    'IDA-DEA-001',
    'Demographic data %s in %s did not match',
    'Please re-enter your %s in %s',
  ],
  BIO_MISMATCH: ['IDA-BIA-001', 'Biometric data %s did not match', 'Please give your biometrics again'],
  BIO_DUPLICATE: ['IDA-BIA-002', 'Duplicate fingers in request', 'Please try again with distinct fingers'],
  BIO_DEVICE: ['IDA-BIA-004', 'Device not registered with MOSIP'],
  BIO_INVALID: ['IDA-BIA-011', 'Invalid biometric data'],
  BIO_HASH: ['IDA-BIA-014', 'Hash Validation Failed'],
  BIO_SIGNATURE: ['IDA-BIA-015', 'Signature Validation Failed'],
  BIO_UNAVAILABLE: ['IDA-BIA-017', 'Unable to Perform Biometric Match due to a Technical Issue'],
  DEVICE_TYPE: ['IDA-DPM-004', 'Device Type and Biometric Type do not match'],
  SIGNATURE_INVALID: ['IDA-MPA-001', 'Digital signature verification failed for request'],
  CERTIFICATE_INVALID: ['IDA-MPA-002', 'Invalid certificate in digital signature'],
  UNDECRYPTABLE: ['IDA-MPA-003', 'Unable to decrypt Request'],
  OTP_NOT_ALLOWED: ['IDA-MPA-005', 'OTP Request Usage not allowed as per policy'],
  AUTH_NOT_ALLOWED: [
    'IDA-MPA-006',
    '%s Authentication usage not allowed as per policy',
    'Please use other Authentication Types in the request',
  ],
  LICENCE_UNKNOWN: ['IDA-MPA-007', 'License key does not belong to a registered MISP'],
  LICENCE_EXPIRED: ['IDA-MPA-008', 'License key of MISP has expired'],
  PARTNER_UNKNOWN: ['IDA-MPA-009', 'Partner is not registered'],
  PARTNER_INACTIVE: ['IDA-MPA-012', 'Partner is deactivated'],
  KYC_NOT_ALLOWED: ['IDA-MPA-013', 'Partner is unauthorised for eKYC'],
  POLICY_MISSING: ['IDA-MPA-014', 'Partner is not assigned with any policy'],
  AUTH_MANDATORY: ['IDA-MPA-015', '%s-authentiation usage is mandatory as per policy'],
  LICENCE_BLOCKED: ['IDA-MPA-017', 'License key of MISP is blocked'],
  POLICY_INACTIVE: ['IDA-MPA-019', 'Partner policy is not active'],
  CERTIFICATE_MISSING: ['IDA-MPA-020', 'Partner (Auth) Certificate not found in DB.'],
  CERTIFICATE_OTHER: [
    'IDA-MPA-021',
    'Partner (Auth) Certificate not matching with signature header certificate.',
  ],
  CERTIFICATE_NOT_SENT: ['IDA-MPA-022', 'Partner (Auth) Certificate not found in Request signature header.'],
} as const satisfies Record<string, readonly [code: string, message: string, action?: string]>

/** Our word for each of MOSIP's codes. */
export type IdaRefusalName = keyof typeof IDA_ERRORS

/** One of MOSIP's errors, as an answer carries it. @param words - for each `%s` in turn. */
export function idaError(name: IdaRefusalName, ...words: readonly string[]): AuthErrorBody {
  const [errorCode, message, action] = IDA_ERRORS[name] as readonly [string, string, string?]
  return {
    errorCode,
    errorMessage: fill(message, words),
    ...(action === undefined ? {} : { actionMessage: fill(action, words) }),
  }
}

function fill(text: string, words: readonly string[]): string {
  let at = 0
  return text.replaceAll('%s', () => words[Math.min(at++, words.length - 1)] ?? '')
}
