import type { HpkeSuite, KemPrivateKey, KemPublicKey } from '@keyhaven/crypto'
import { backend, fromUtf8, KEM_ENCAPSULATED_KEY_BYTES, openFailed, utf8, Writer } from '@keyhaven/crypto'
import type { AuthClaims, OtpChannel } from './auth-messages.ts'

/** `id` of the requests of profile `keyhaven`: nobody takes one for MOSIP's. */
export const KEYHAVEN_REQUEST_IDS = {
  auth: 'keyhaven.identity.auth',
  kyc: 'keyhaven.identity.kyc',
  otp: 'keyhaven.identity.otp',
} as const
export type KeyhavenKind = keyof typeof KEYHAVEN_REQUEST_IDS
export const KEYHAVEN_VERSION = '1'
/** RFC 9180 with X-Wing: the claims of a person stay closed also to who records them for a quantum computer. */
export const AUTH_SUITE: HpkeSuite = { kem: 'x-wing', aead: 'aes-256-gcm' }
const REQUEST_LABEL = 'keyhaven identity request v1'
const KYC_LABEL = 'keyhaven identity kyc v1'

/** What is in clear: enough to find the key and to refuse what is old. The id of the person is not. */
export interface KeyhavenRequestBody {
  readonly id: string
  readonly version: string
  readonly transactionID: string
  readonly requestTime: string
  /** SHA-256 of IDA's HPKE public key, base64url. */
  readonly keyId: string
  /** base64url of encapsulated key ‖ ciphertext of {@link KeyhavenClaims} as JSON. */
  readonly request: string
}

/** What is sealed. */
export interface KeyhavenClaims {
  readonly individualId: string
  readonly individualIdType: string
  readonly consentObtained: boolean
  readonly env?: string
  readonly domainUri?: string
  readonly allowedKycAttributes?: readonly string[]
  /** Of `auth` and `kyc`. */
  readonly claims?: AuthClaims
  /** Of `otp`. */
  readonly otpChannel?: readonly OtpChannel[]
}

/** What a sealed message belongs to: it opens in no other place. */
export interface KeyhavenContext {
  /** The IDA's tenant. */
  readonly application: string
  readonly partnerId: string
  readonly kind: KeyhavenKind
  readonly transactionId: string
  readonly requestTime: string
}

export function sealKeyhavenClaims(
  to: KemPublicKey,
  context: KeyhavenContext,
  claims: KeyhavenClaims,
): Promise<Uint8Array> {
  return seal(to, REQUEST_LABEL, context, claims)
}

/** @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
export async function openKeyhavenClaims(
  key: KemPrivateKey,
  context: KeyhavenContext,
  bytes: Uint8Array,
): Promise<KeyhavenClaims> {
  return (await open(key, REQUEST_LABEL, context, bytes)) as KeyhavenClaims
}

/** The attributes of an eKYC answer, for the partner's key. */
export function sealKeyhavenKyc(
  to: KemPublicKey,
  context: KeyhavenContext,
  identity: Readonly<Record<string, unknown>>,
): Promise<Uint8Array> {
  return seal(to, KYC_LABEL, context, identity)
}

/** @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
export async function openKeyhavenKyc(
  key: KemPrivateKey,
  context: KeyhavenContext,
  bytes: Uint8Array,
): Promise<Readonly<Record<string, unknown>>> {
  return (await open(key, KYC_LABEL, context, bytes)) as Record<string, unknown>
}

// encapsulated key: 1120 | ciphertext ‖ tag: 16
async function seal(
  to: KemPublicKey,
  label: string,
  context: KeyhavenContext,
  value: object,
): Promise<Uint8Array> {
  const { info, aad } = bindings(label, context)
  const sender = await backend.hpke.setupSender(AUTH_SUITE, to, info)
  const sealed = await sender.seal(utf8(JSON.stringify(value)), aad)
  return new Writer(sender.enc.length + sealed.length).bytes(sender.enc).bytes(sealed).done()
}

async function open(
  key: KemPrivateKey,
  label: string,
  context: KeyhavenContext,
  bytes: Uint8Array,
): Promise<object> {
  const { info, aad } = bindings(label, context)
  const encBytes = KEM_ENCAPSULATED_KEY_BYTES[AUTH_SUITE.kem]
  const recipient = await backend.hpke.setupRecipient(AUTH_SUITE, key, bytes.subarray(0, encBytes), info)
  const text = await recipient.open(bytes.subarray(encBytes), aad)
  try {
    const value: unknown = JSON.parse(fromUtf8(text))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Answered below, as all else that does not open.
  }
  throw openFailed()
}

function bindings(label: string, context: KeyhavenContext): { info: Uint8Array; aad: Uint8Array } {
  return {
    info: new Writer().bytes8(utf8(label)).bytes8(utf8(context.application)).done(),
    aad: new Writer()
      .bytes8(utf8(context.kind))
      .bytes8(utf8(context.partnerId))
      .bytes8(utf8(context.transactionId))
      .bytes8(utf8(context.requestTime))
      .done(),
  }
}
