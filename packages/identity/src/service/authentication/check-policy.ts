import type { AuthKind } from '../../authentication/auth-messages.ts'
import type { AllowedAuthType, AuthPolicy } from '../../policy/policy-document.ts'
import { refuse } from './ida-refusal.ts'
import type { OpenedRequest } from './opened-request.ts'

const OTP = 'otp'
const DEMO = 'demo'
const BIO = 'bio'
const OTP_REQUEST = 'otp-request'
const KYC = 'kyc'

/** `otp`, `demo`, `bio`: which kinds of proof a request brings. */
export function typesOf({ claims }: OpenedRequest): string[] {
  return [
    ...(claims.otp === undefined ? [] : [OTP]),
    ...(claims.demographics === undefined ? [] : [DEMO]),
    ...(claims.biometrics === undefined ? [] : [BIO]),
  ]
}

/**
 * Whether the partner may ask this. Which biometrics they are shows only in the signed blocks: those are
 * checked by {@link checkBioPolicy}.
 *
 * @throws IdaRefusal
 */
export function checkPolicy(policy: AuthPolicy, kind: AuthKind, request: OpenedRequest): void {
  const allows = (type: string) => policy.allowedAuthTypes.some(({ authType }) => authType === type)
  if (kind === 'otp') {
    if (!allows(OTP_REQUEST)) throw refuse('OTP_NOT_ALLOWED')
    return
  }
  if (kind === 'kyc' && !allows(KYC)) throw refuse('KYC_NOT_ALLOWED')
  if (kind === 'kyc' && !request.consent) throw refuse('CONSENT_MISSING')
  const types = typesOf(request)
  for (const type of types) if (!allows(type)) throw refuse('AUTH_NOT_ALLOWED', type)
  for (const { authType, mandatory } of policy.allowedAuthTypes) {
    if (mandatory && [OTP, DEMO, BIO].includes(authType) && !types.includes(authType)) {
      throw refuse('AUTH_MANDATORY', authType)
    }
  }
}

/** @param modalities - `Finger`, `Iris`, `Face`, as they were captured. @throws IdaRefusal */
export function checkBioPolicy(policy: AuthPolicy, modalities: readonly string[]): void {
  const rules = policy.allowedAuthTypes.filter(({ authType }) => authType === BIO)
  const brought = modalities.map((modality) => modality.toUpperCase())
  const covers = ({ authSubType }: AllowedAuthType, name: string) =>
    authSubType === '' || authSubType.toUpperCase() === name
  for (const name of brought) {
    if (!rules.some((rule) => covers(rule, name))) throw refuse('AUTH_NOT_ALLOWED', `bio-${name}`)
  }
  for (const rule of rules) {
    if (rule.mandatory && !brought.some((name) => covers(rule, name))) {
      throw refuse('AUTH_MANDATORY', `bio-${rule.authSubType}`)
    }
  }
}
