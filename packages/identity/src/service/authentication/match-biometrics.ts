import { backend, KeyhavenError } from '@keyhaven/crypto'
import type { AuthErrorBody, BiometricBlock } from '../../authentication/auth-messages.ts'
import { idaError } from '../../authentication/ida-errors.ts'
import type { BiometricMatcher } from '../../biometrics/biometric-matcher.ts'
import type { Bir } from '../../biometrics/bir.ts'
import { UNKNOWN_SUBTYPE } from '../../biometrics/modality.ts'
import { parseCbeff } from '../../biometrics/parse-cbeff.ts'
import { birOfCapture } from '../../device/capture-evidence.ts'
import type { DeviceTrust } from '../../device/device-trust.ts'
import { CAPTURE_LIFETIME_MS, verifyCapture } from '../../device/verify-capture.ts'
import type { SessionKeyOpener } from '../../mosip/session-key.ts'
import { IdaRefusal, refuse, undecryptable } from './ida-refusal.ts'
import type { OpenedRequest } from './opened-request.ts'

const MS_PER_SECOND = 1_000

export interface CaptureContext {
  readonly trust: DeviceTrust
  /** K21. */
  readonly opener: SessionKeyOpener
  readonly now: number
}

/**
 * Verifies the blocks of an L1 device: signatures, chains, kind, transaction, time, hash chain; and opens them.
 * The transaction is marked as used together with the request's.
 *
 * @throws IdaRefusal
 */
export async function openBiometrics(
  blocks: readonly BiometricBlock[],
  { transactionId, env, domainUri }: OpenedRequest,
  { trust, opener, now }: CaptureContext,
): Promise<Bir[]> {
  if (env === undefined) throw refuse('PARAMETER_MISSING', 'env')
  if (domainUri === undefined) throw refuse('PARAMETER_MISSING', 'domainUri')
  try {
    const captured = await verifyCapture(
      backend,
      { biometrics: blocks },
      { purpose: 'Auth', transactionId, env, domainUri, requestedAt: now - CAPTURE_LIFETIME_MS },
      { trust, opener, now, memory: { use: () => true } },
    )
    const birs = captured.map((one) => ({ ...birOfCapture(one), purpose: 'Verify' as const }))
    requireDistinct(birs)
    return birs
  } catch (error) {
    throw refusalOf(error)
  }
}

/** One finger twice is one finger. */
function requireDistinct(birs: readonly Bir[]): void {
  const names = birs.map(attributeOf).filter((name) => !name.endsWith(UNKNOWN_SUBTYPE))
  if (new Set(names).size !== names.length) throw refuse('BIO_DUPLICATE')
}

function refusalOf(error: unknown): unknown {
  if (error instanceof TypeError) return refuse('BIO_INVALID')
  if (!(error instanceof KeyhavenError)) return error
  switch (error.code) {
    case 'SIGNATURE_INVALID':
      return refuse('BIO_SIGNATURE')
    case 'CERTIFICATE_INVALID':
      return refuse('BIO_DEVICE')
    case 'CLOCK_SKEW':
    case 'KEY_EXPIRED':
      return refuse('BIO_TIMESTAMP', String(CAPTURE_LIFETIME_MS / MS_PER_SECOND))
    case 'OPEN_FAILED':
      return undecryptable()
    case 'INPUT_INVALID':
      return mismatchOf(error.message)
    case 'WIRE_MALFORMED':
      return refuse('BIO_INVALID')
    default:
      return error
  }
}

/** What of a capture does not fit: `verifyCapture` names it behind `capture: `. */
function mismatchOf(message: string): IdaRefusal {
  switch (message.replace('capture: ', '')) {
    case 'hash chain':
      return refuse('BIO_HASH')
    case 'transactionId':
      return refuse('BIO_TRANSACTION')
    case 'env':
      return refuse('BIO_MISMATCHED_REQUEST', 'env', 'env')
    case 'domainUri':
      return refuse('BIO_MISMATCHED_REQUEST', 'domainUri', 'domainUri')
    case 'the kind of device and that of the biometric':
      return refuse('DEVICE_TYPE')
    default:
      return refuse('BIO_INVALID')
  }
}

/** Name of a part in the vault: `Finger_Left Thumb`, `Iris_Right`, `Face`. */
export function attributeOf({ type, subtypes }: Pick<Bir, 'type' | 'subtypes'>): string {
  return type === 'Face' ? type : `${type}_${subtypes.join(' ')}`
}

/** Which of a person's parts must be opened for a probe: just those that it can match. */
export function galleryNames(probe: readonly Bir[], available: readonly string[]): string[] {
  return available.filter((name) =>
    probe.some((bir) => {
      const unknown = bir.subtypes.includes(UNKNOWN_SUBTYPE)
      return unknown ? name.startsWith(`${bir.type}_`) : name === attributeOf(bir)
    }),
  )
}

/**
 * @param recorded - CBEFF texts as the vault has them; none for a person who is not known.
 * @throws IdaRefusal if the matcher does not answer.
 */
export async function matchBiometrics(
  matcher: BiometricMatcher,
  probe: readonly Bir[],
  recorded: readonly string[],
): Promise<AuthErrorBody[]> {
  const gallery = recorded.flatMap((text) => parseCbeff(text).birs)
  const modalities = [...new Set(probe.map(({ type }) => type))]
  try {
    const { match } = await matcher.match(probe, gallery, modalities)
    return match ? [] : [idaError('BIO_MISMATCH', modalities.join(', '))]
  } catch (cause) {
    throw new IdaRefusal([idaError('BIO_UNAVAILABLE')], { cause })
  }
}
