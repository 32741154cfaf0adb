import { type CryptoBackend, toBase64url } from '@keyhaven/crypto'
import type { BiometricType } from '../biometrics/modality.ts'
import { sealBioValue } from '../device/bio-value.ts'
import type {
  CaptureData,
  CaptureItem,
  CaptureRequest,
  CaptureResponse,
  DeviceLevel,
  DigitalId,
} from '../device/capture.ts'
import { hashChain } from '../device/hash-chain.ts'
import { signJwt } from '../mosip/jws.ts'
import type { Recipient } from '../mosip/session-key.ts'
import { type BodyPart, simulatedBiometric } from './simulated-biometric.ts'
import type { SimulatedTrust } from './simulated-trust.ts'

const SPEC_VERSION = '1.0.0'
const QUALITY = '90'
const REQUESTED_QUALITY = '60'
const SUB_TYPES: Readonly<Record<BiometricType, string>> = {
  Finger: 'Slap',
  Iris: 'Double',
  Face: 'Full face',
}
const NO_ERROR = { errorCode: '0', errorInfo: 'Success' }

export interface SimulatedCapture {
  readonly request: CaptureRequest
  /** Seed of the made-up person in front of it. */
  readonly person: string
  readonly parts: readonly BodyPart[]
  /** Whom the values are encrypted for (K21); L1 devices only. Undefined: signed and not encrypted. */
  readonly recipient?: Recipient | undefined
}

/** A biometric device that does not exist: it signs and encrypts as a real one, over made-up biometrics. */
export interface SimulatedDevice {
  readonly level: DeviceLevel
  readonly digitalId: Omit<DigitalId, 'dateTime'>
  /** @throws TypeError if it is not a device for that, or an L0 is to encrypt. */
  capture(capture: SimulatedCapture): Promise<CaptureResponse>
}

export interface SimulatedDeviceOptions {
  readonly trust: SimulatedTrust
  readonly type: BiometricType
  readonly level: DeviceLevel
  readonly serialNo: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** An L1 device has a device key and, in its chip, FK1, which signs its digital id; an L0 only the first. */
export async function createSimulatedDevice(
  backend: CryptoBackend,
  { trust, type, level, serialNo, now }: SimulatedDeviceOptions,
): Promise<SimulatedDevice> {
  const deviceKey = await trust.issue('device', `${type} device ${serialNo}`)
  const chipKey = level === 'L1' ? await trust.issue('ftm', `FTM chip of ${serialNo}`) : deviceKey
  const digitalId: Omit<DigitalId, 'dateTime'> = {
    serialNo,
    make: 'Keyhaven simulator',
    model: `SIM-${type.toUpperCase()}-${level}`,
    type,
    deviceSubType: SUB_TYPES[type],
    deviceProvider: 'Keyhaven simulator',
    deviceProviderId: 'SIMULATED',
  }
  return {
    level,
    digitalId,
    async capture({ request, person, parts, recipient }) {
      if (parts.some((part) => part.type !== type)) throw new TypeError(`this device captures ${type} only`)
      if (recipient && level !== 'L1') throw new TypeError('an L0 device does not encrypt')
      const timestamp = new Date(now()).toISOString()
      const signedId = await signJwt(chipKey, JSON.stringify({ ...digitalId, dateTime: timestamp }))
      const chain = hashChain(backend, request.previousHash)
      const biometrics: CaptureItem[] = []
      for (const part of parts) {
        const value = simulatedBiometric(person, part, request.transactionId)
        const context = { timestamp, transactionId: request.transactionId }
        const sealed = recipient && (await sealBioValue(backend, recipient, value, context))
        const data: CaptureData = {
          digitalId: signedId,
          deviceCode: `simulated-${serialNo}`,
          deviceServiceVersion: SPEC_VERSION,
          bioType: type,
          bioSubType: part.subtype,
          purpose: request.purpose,
          env: request.env,
          domainUri: request.domainUri,
          bioValue: sealed?.bioValue ?? toBase64url(value),
          transactionId: request.transactionId,
          timestamp,
          requestedScore: REQUESTED_QUALITY,
          qualityScore: QUALITY,
        }
        biometrics.push({
          specVersion: SPEC_VERSION,
          data: await signJwt(deviceKey, JSON.stringify(data)),
          hash: await chain.next(value),
          ...(sealed && { sessionKey: sealed.sessionKey, thumbprint: sealed.thumbprint }),
          error: NO_ERROR,
        })
      }
      return { biometrics }
    },
  }
}
