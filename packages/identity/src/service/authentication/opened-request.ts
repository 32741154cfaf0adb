import type { AuthClaims, AuthKind, OtpChannel } from '../../authentication/auth-messages.ts'
import { refuse } from './ida-refusal.ts'

/** How old a request may be, and how far ahead of our clock. */
export const REQUEST_WINDOW_SECONDS = 180
export const REQUEST_SKEW_SECONDS = 30
const MS_PER_SECOND = 1_000
const TRANSACTION_ID = /^[A-Za-z0-9._-]{1,50}$/
const TRANSACTION_MEMBER = /"transactionID" ?: ?"([A-Za-z0-9._-]{1,50})"/
const ID = /^[A-Za-z0-9@._-]{1,64}$/
const ID_TYPES: readonly string[] = ['UIN', 'VID', 'HANDLE']
/** Names and values of demographics, together. */
const MAX_DEMOGRAPHICS = 64
const MAX_TEXT_CHARACTERS = 1_024
const MAX_BIOMETRICS = 13
const MAX_KYC_ATTRIBUTES = 64

/** What stands in clear in every request, of either profile. */
export interface RequestHead {
  readonly transactionId: string
  readonly requestTime: string
}

/** A request, decrypted; checked for its form and for nothing more. */
export interface OpenedRequest extends RequestHead {
  readonly id: string
  readonly consent: boolean
  readonly env: string | undefined
  readonly domainUri: string | undefined
  readonly kycAttributes: readonly string[] | undefined
  readonly channels: readonly OtpChannel[]
  readonly claims: AuthClaims
  /**
   * Profile `mosip`: the wrapped session key of the claims, which nothing binds to who sends them. Undefined where
   * the seal itself says whose request it is.
   */
  readonly sealedFor?: Uint8Array
}

export type Json = Readonly<Record<string, unknown>>

/** @throws IdaRefusal if it is no JSON object. */
export function parseBody(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch {
    // Answered below.
  }
  throw refuse('PARAMETER_INVALID', 'request')
}

/** Id, version, transaction and time: the first things that are looked at. @throws IdaRefusal */
export function readHead(body: Json, expectedId: string, now: number): RequestHead {
  const transactionId = body.transactionID
  if (transactionId === undefined || transactionId === null)
    throw refuse('PARAMETER_MISSING', 'transactionID')
  if (typeof transactionId !== 'string' || !TRANSACTION_ID.test(transactionId)) {
    throw refuse('PARAMETER_INVALID', 'transactionID')
  }
  if (body.id !== expectedId) throw refuse('PARAMETER_INVALID', 'id')
  const requestTime = requireTime(body.requestTime, 'requestTime', now)
  return { transactionId, requestTime }
}

/**
 * The transaction of a body that may be anything: to name it in a refusal. It is looked for, not parsed: 8 MiB of
 * JSON from a stranger could take thirty times as much memory.
 */
export function transactionOf(text: string): string | null {
  return TRANSACTION_MEMBER.exec(text)?.[1] ?? null
}

function requireTime(value: unknown, name: string, now: number): string {
  if (value === undefined || value === null) throw refuse('PARAMETER_MISSING', name)
  const at = typeof value === 'string' && value.length <= MAX_TEXT_CHARACTERS ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) throw refuse('PARAMETER_INVALID', name)
  const age = now - at
  if (age > REQUEST_WINDOW_SECONDS * MS_PER_SECOND || age < -REQUEST_SKEW_SECONDS * MS_PER_SECOND) {
    throw refuse('TIMESTAMP_INVALID', String(REQUEST_WINDOW_SECONDS))
  }
  return value as string
}

/** The person's id. @throws IdaRefusal */
export function readPersonId(body: Json): string {
  const { individualId, individualIdType } = body
  if (individualId === undefined || individualId === null) throw refuse('PARAMETER_MISSING', 'individualId')
  if (typeof individualId !== 'string' || !ID.test(individualId)) {
    throw refuse('PARAMETER_INVALID', 'individualId')
  }
  if (typeof individualIdType !== 'string' || !ID_TYPES.includes(individualIdType)) {
    throw refuse('PARAMETER_INVALID', 'individualIdType')
  }
  return individualId
}

/** What else stands beside the claims. */
export function readTerms(
  body: Json,
): Pick<OpenedRequest, 'consent' | 'env' | 'domainUri' | 'kycAttributes' | 'channels'> {
  const { consentObtained, allowedKycAttributes: attributes, otpChannel } = body
  if (attributes !== undefined && attributes !== null)
    requireTexts(attributes, 'allowedKycAttributes', MAX_KYC_ATTRIBUTES)
  if (otpChannel !== undefined && otpChannel !== null) requireTexts(otpChannel, 'otpChannel', 2)
  return {
    consent: consentObtained === true,
    env: optionalText(body.env, 'env'),
    domainUri: optionalText(body.domainUri, 'domainUri'),
    kycAttributes: (attributes ?? undefined) as readonly string[] | undefined,
    channels: ((otpChannel ?? []) as readonly string[]).map(channelOf),
  }
}

function channelOf(name: string): OtpChannel {
  const upper = name.toUpperCase()
  if (upper === 'EMAIL' || upper === 'PHONE') return upper
  throw refuse('OTP_CHANNEL_UNSUPPORTED', name)
}

/** The decrypted claims. @throws IdaRefusal */
export function readClaims(value: unknown, kind: AuthKind, now: number): AuthClaims {
  if (!isRecord(value)) throw refuse('PARAMETER_INVALID', 'request')
  const timestamp = requireTime(value.timestamp, 'request/timestamp', now)
  const { demographics, biometrics } = value
  const otp = optionalText(value.otp, 'request/otp')
  if (demographics !== undefined && demographics !== null) requireDemographics(demographics)
  if (biometrics !== undefined && biometrics !== null) requireBiometrics(biometrics)
  const claims = {
    timestamp,
    ...(otp === undefined ? {} : { otp }),
    ...(isFilled(demographics) ? { demographics } : {}),
    ...(Array.isArray(biometrics) && biometrics.length > 0 ? { biometrics } : {}),
  } as AuthClaims
  const none = claims.otp === undefined && !claims.demographics && !claims.biometrics
  if (none && kind !== 'otp') throw refuse('NO_AUTH_TYPE')
  return claims
}

function isFilled(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length > 0
}

function requireDemographics(value: unknown): void {
  if (!isRecord(value)) throw refuse('PARAMETER_INVALID', 'request/demographics')
  let texts = 0
  for (const [name, claim] of Object.entries(value)) {
    const values = Array.isArray(claim) ? claim : [{ language: '', value: claim }]
    texts += values.length
    const fits =
      name.length <= MAX_TEXT_CHARACTERS &&
      values.length > 0 &&
      values.every((one) => isRecord(one) && isText(one.language) && isText(one.value))
    if (!fits || texts > MAX_DEMOGRAPHICS) throw refuse('PARAMETER_INVALID', 'request/demographics')
  }
}

function requireBiometrics(value: unknown): void {
  const fits =
    Array.isArray(value) &&
    value.length <= MAX_BIOMETRICS &&
    value.every(
      (one) =>
        isRecord(one) &&
        (['data', 'hash', 'sessionKey', 'thumbprint'] as const).every(
          (name) => typeof one[name] === 'string',
        ),
    )
  if (!fits) throw refuse('BIO_INVALID')
}

function requireTexts(value: unknown, name: string, most: number): void {
  if (!Array.isArray(value) || value.length > most || !value.every(isText)) {
    throw refuse('PARAMETER_INVALID', name)
  }
}

function optionalText(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (isText(value)) return value
  throw refuse('PARAMETER_INVALID', name)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT_CHARACTERS
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
