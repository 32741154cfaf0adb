import { AEAD_TAG_BYTES, KEM_ENCAPSULATED_KEY_BYTES, KeyhavenError, kemById } from '@keyhaven/crypto'
import { REQUEST_HEADER_BYTES } from '../wire/request-header.ts'
import type { ExchangeSettings } from './exchange.ts'
import { innerUrl } from './inner-url.ts'
import { openEnvelope } from './open-envelope.ts'
import { readOwnFields } from './own-fields.ts'
import type { EnvelopeCheck } from './ports.ts'
import { type InnerRequest, readRequest } from './read-request.ts'
import { judgeDate } from './request-clock.ts'

const REASONS: Readonly<Record<string, EnvelopeCheck['reason']>> = {
  KEY_REVOKED: 'revoked',
  KEY_UNKNOWN: 'unknown-key',
  OPEN_FAILED: 'not-openable',
}

const DETAILS: Readonly<Record<string, string>> = {
  KEY_REVOKED: 'The key id in the first byte names a revoked key.',
  KEY_UNKNOWN: 'The application has no key with this id and these KEM, KDF and AEAD identifiers.',
  OPEN_FAILED:
    'The key is known, but decapsulation or decryption failed: another public key, a cut or altered byte.',
  UNSUPPORTED: 'The media type must be message/ohttp-chunked-req or message/ohttp-req.',
}

const TOO_SHORT =
  'The envelope is too short: it has 7 bytes of header, then the encapsulated key, then what is sealed.'

/**
 * Says whether an envelope would be accepted, and if not, why: for whoever writes a client. Runs nothing and
 * marks nothing as seen.
 *
 * @throws KeyhavenError `NOT_FOUND` (application), `STORE_UNAVAILABLE`.
 */
export async function checkEnvelope(
  settings: ExchangeSettings,
  body: Uint8Array,
  contentType: string,
  applicationId: string,
): Promise<EnvelopeCheck> {
  try {
    const envelope = await openEnvelope(settings.backend, settings.keys, settings.limits, {
      applicationId,
      contentType,
      body,
    })
    const inner = await readRequest(envelope.reader, settings.limits)
    await readToEnd(inner)
    innerUrl(inner.head)
    const { date, requestId } = readOwnFields(inner.head.headers)
    const now = settings.clock()
    const { replay, windowSeconds, skewSeconds } = settings
    const judged = judgeDate(date, now, replay.refusesBefore, windowSeconds, skewSeconds)
    const encapsulatedKey = await settings.backend.sha256(envelope.exchange.enc)
    const expiresAt = now
    if (await seen(settings, { applicationId, encapsulatedKey, requestId, expiresAt })) {
      return {
        accepted: false,
        reason: 'replayed',
        detail: 'This envelope or its request id was received before.',
      }
    }
    if (judged.verdict === 'accept') return { accepted: true }
    const detail =
      date === undefined
        ? 'The request has no Date field in IMF-fixdate form.'
        : `The request is dated ${Math.abs(Math.round((date - now) / 1000))} s in the ${judged.verdict}.`
    return { accepted: false, reason: 'clock', detail }
  } catch (error) {
    if (!(error instanceof KeyhavenError)) throw error
    if (error.code === 'NOT_FOUND' || error.code === 'STORE_UNAVAILABLE') throw error
    if (error.code === 'OPEN_FAILED' && isTooShort(body)) {
      return { accepted: false, reason: 'malformed', detail: TOO_SHORT }
    }
    return {
      accepted: false,
      reason: REASONS[error.code] ?? 'malformed',
      detail: DETAILS[error.code] ?? error.message,
    }
  }
}

/** Whether it ends before anything sealed: header, encapsulated key, and the tag of one chunk. */
function isTooShort(body: Uint8Array): boolean {
  if (body.length < REQUEST_HEADER_BYTES) return true
  const kem = kemById((body[1]! << 8) | body[2]!)
  const encBytes = kem === undefined ? 0 : KEM_ENCAPSULATED_KEY_BYTES[kem]
  return body.length < REQUEST_HEADER_BYTES + encBytes + AEAD_TAG_BYTES
}

async function seen(
  { replay }: ExchangeSettings,
  entry: Parameters<ExchangeSettings['replay']['has']>[0],
): Promise<boolean> {
  try {
    return await replay.has(entry)
  } catch (cause) {
    throw new KeyhavenError('STORE_UNAVAILABLE', 'replay store', { cause })
  }
}

async function readToEnd({ body }: InnerRequest): Promise<void> {
  if (body instanceof Uint8Array) return
  const reader = body.getReader()
  while (!(await reader.read()).done) {}
}
