import { KeyhavenError } from '@keyhaven/crypto'
import type { Certificate } from '../x509/certificate.ts'
import { verifyChain } from '../x509/verify-chain.ts'
import type { DeviceLevel } from './capture.ts'

/** Which authorities may vouch for devices and their chips: MOSIP's trust domains DEVICE and FTM. */
export interface DeviceTrust {
  /** Of device providers (PK2). */
  readonly device: readonly Certificate[]
  /** Of providers of trusted chips (PK5). */
  readonly ftm: readonly Certificate[]
  /** Those that may stand between, beside those that a device sends along. */
  readonly intermediates?: readonly Certificate[]
  revoked(certificate: Certificate): boolean
}

/** @throws KeyhavenError `CERTIFICATE_INVALID` */
export async function trustDevice(
  trust: DeviceTrust,
  domain: 'device' | 'ftm',
  [leaf, ...intermediates]: readonly [Certificate, ...Certificate[]],
  at: number,
): Promise<void> {
  await verifyChain(leaf, {
    intermediates: [...intermediates, ...(trust.intermediates ?? [])],
    anchors: trust[domain],
    at,
    revoked: (certificate) => trust.revoked(certificate),
    usage: 'sign',
  })
}

/**
 * Accepts the signer of a digital id: a chip makes the device an L1, its provider's key an L0.
 *
 * @param allowed - levels that are enough here.
 * @throws KeyhavenError `CERTIFICATE_INVALID`
 */
export async function trustDigitalId(
  trust: DeviceTrust,
  certificates: readonly [Certificate, ...Certificate[]],
  at: number,
  allowed: readonly DeviceLevel[],
): Promise<DeviceLevel> {
  if (!allowed.includes('L0')) {
    await trustDevice(trust, 'ftm', certificates, at)
    return 'L1'
  }
  try {
    await trustDevice(trust, 'device', certificates, at)
    return 'L0'
  } catch (error) {
    const isOther = error instanceof KeyhavenError && error.code === 'CERTIFICATE_INVALID'
    if (!isOther || !allowed.includes('L1')) throw error
    await trustDevice(trust, 'ftm', certificates, at)
    return 'L1'
  }
}
