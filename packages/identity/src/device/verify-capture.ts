import { type Awaitable, type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import { fromAnyBase64 } from '../mosip/base64.ts'
import { verifyJwt } from '../mosip/jws.ts'
import type { SessionKeyOpener } from '../mosip/session-key.ts'
import type { Certificate } from '../x509/certificate.ts'
import { openBioValue } from './bio-value.ts'
import type {
  CaptureData,
  CaptureItem,
  CaptureRequest,
  CaptureResponse,
  DeviceLevel,
  DigitalId,
} from './capture.ts'
import { mismatch, readCaptureData, readDigitalId } from './capture-payload.ts'
import { type DeviceTrust, trustDevice, trustDigitalId } from './device-trust.ts'
import { hashChain } from './hash-chain.ts'

/** A capture is believed this long after the request. */
export const CAPTURE_LIFETIME_MS = 5 * 60_000
/** Clocks of devices may be off by so much. */
export const CAPTURE_CLOCK_SKEW_MS = 30_000
/** All fingers, both eyes and the face. */
const MAX_ITEMS = 13
/** Characters of one signed biometric. */
const MAX_DATA_CHARACTERS = 4 * 1024 * 1024
/** As long as those of MOSIP's ID authentication. */
const MIN_TRANSACTION_CHARACTERS = 10
const NO_ERROR_CODE = '0'
/** Remembers transactions, so that a capture is taken once. */
export interface CaptureMemory {
  /**
   * Marks a transaction as used, atomically.
   *
   * @param until - milliseconds since the epoch; afterwards its captures are too old anyway.
   * @returns false if it was used before.
   */
  use(transactionId: string, until: number): Awaitable<boolean>
}

export interface CaptureChecks {
  readonly trust: DeviceTrust
  readonly memory: CaptureMemory
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Levels that are enough; encrypted values are of L1 devices always. @defaultValue L1 alone */
  readonly levels?: readonly DeviceLevel[]
  /** Opens encrypted values. Without it they stay sealed, and the hash chain is for whoever opens them. */
  readonly opener?: SessionKeyOpener | undefined
}

/** A biometric whose device, time and transaction were found right. */
export interface CapturedBiometric {
  readonly data: CaptureData
  readonly digitalId: DigitalId
  readonly level: DeviceLevel
  /** The item as it came, for those who verify it again. */
  readonly item: CaptureItem
  /** The biometric itself; undefined while it is encrypted for somebody else. */
  readonly value: Uint8Array | undefined
}

/**
 * Verifies what a device answered: both signatures of each biometric and their certificates up to a trusted
 * provider, the kind of device, purpose, environment, transaction and time against the request, the hash chain,
 * and that the transaction was not used before.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID`; `CERTIFICATE_INVALID`; `INPUT_INVALID` for what does not fit the
 * request, and says what; `KEY_EXPIRED` for a capture that is too old; `CLOCK_SKEW`; `REPLAYED`; `OPEN_FAILED`.
 */
export async function verifyCapture(
  backend: CryptoBackend,
  response: CaptureResponse,
  request: CaptureRequest,
  checks: CaptureChecks,
): Promise<readonly CapturedBiometric[]> {
  const items = response.biometrics
  if (!Array.isArray(items) || items.length === 0 || items.length > MAX_ITEMS) throw mismatch('biometrics')
  if (request.transactionId.length < MIN_TRANSACTION_CHARACTERS)
    throw new TypeError('a transaction id is longer')
  const captured: CapturedBiometric[] = []
  for (const item of items) captured.push(await verifyItem(backend, item, request, checks))
  const sessionKeys = captured.flatMap(({ item }) => item.sessionKey ?? [])
  if (new Set(sessionKeys).size !== sessionKeys.length) throw mismatch('a session key serves two values')
  await requireChain(backend, captured, request.previousHash)
  const until = request.requestedAt + CAPTURE_LIFETIME_MS + CAPTURE_CLOCK_SKEW_MS
  if (!(await checks.memory.use(request.transactionId, until))) {
    throw new KeyhavenError('REPLAYED', 'capture: its transaction was used before')
  }
  return captured
}

async function verifyItem(
  backend: CryptoBackend,
  item: CaptureItem,
  request: CaptureRequest,
  checks: CaptureChecks,
): Promise<CapturedBiometric> {
  if (item.error && item.error.errorCode !== NO_ERROR_CODE) throw mismatch('the device reports an error')
  if (typeof item.data !== 'string' || item.data.length > MAX_DATA_CHARACTERS) throw mismatch('data')
  const { payload } = await verifyJwt(backend, item.data, {
    trust: (certificates) => trustDevice(checks.trust, 'device', certificates, checks.now),
  })
  const data = readCaptureData(payload)
  const encrypted = item.sessionKey !== undefined
  const levels: readonly DeviceLevel[] = encrypted ? ['L1'] : (checks.levels ?? ['L1'])
  let level: DeviceLevel = 'L1'
  const signed = await verifyJwt(backend, data.digitalId, {
    trust: async (certificates: readonly [Certificate, ...Certificate[]]) => {
      level = await trustDigitalId(checks.trust, certificates, checks.now, levels)
    },
  })
  const digitalId = readDigitalId(signed.payload)
  if (digitalId.type !== data.bioType) throw mismatch('the kind of device and that of the biometric')
  requireRequest(data, request)
  requireTime(data.timestamp, request, checks.now)
  // Digital ids can be read by anybody who is answered: an old one must not make another device an L1.
  const apart = Math.abs(Date.parse(digitalId.dateTime) - Date.parse(data.timestamp))
  if (!(apart <= CAPTURE_LIFETIME_MS)) throw mismatch('time of the digital id')
  if (request.purpose === 'Auth' && !encrypted) throw mismatch('a biometric for authentication is encrypted')
  const value = encrypted ? await openItem(backend, item, data, checks.opener) : fromAnyBase64(data.bioValue)
  return { data, digitalId, level, item, value }
}

async function openItem(
  backend: CryptoBackend,
  { sessionKey, thumbprint }: CaptureItem,
  data: CaptureData,
  opener: SessionKeyOpener | undefined,
): Promise<Uint8Array | undefined> {
  if (typeof sessionKey !== 'string' || typeof thumbprint !== 'string') throw mismatch('session key')
  if (opener === undefined) return undefined
  return openBioValue(backend, opener, { bioValue: data.bioValue, sessionKey, thumbprint }, data)
}

async function requireChain(
  backend: CryptoBackend,
  captured: readonly CapturedBiometric[],
  previousHash: string | undefined,
): Promise<void> {
  const chain = hashChain(backend, previousHash)
  for (const { value, item } of captured) {
    // Sealed for somebody else, who checks the chain: all values of a capture are, or none.
    if (value === undefined) return
    if ((await chain.next(value)) !== item.hash) throw mismatch('hash chain')
  }
}

function requireRequest(data: CaptureData, request: CaptureRequest): void {
  for (const name of ['purpose', 'env', 'domainUri', 'transactionId'] as const) {
    if (data[name] !== request[name]) throw mismatch(name)
  }
}

function requireTime(timestamp: string, { requestedAt }: CaptureRequest, now: number): void {
  const at = Date.parse(timestamp)
  if (Number.isNaN(at)) throw mismatch('timestamp')
  if (at < requestedAt - CAPTURE_CLOCK_SKEW_MS || at > now + CAPTURE_CLOCK_SKEW_MS) {
    throw new KeyhavenError('CLOCK_SKEW', 'capture: its time does not fit the request')
  }
  if (now > requestedAt + CAPTURE_LIFETIME_MS || now > at + CAPTURE_LIFETIME_MS) {
    throw new KeyhavenError('KEY_EXPIRED', 'capture: it is too old')
  }
}
