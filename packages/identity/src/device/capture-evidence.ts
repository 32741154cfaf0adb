import { fromUtf8, toBase64url, utf8 } from '@keyhaven/crypto'
import type { Bir } from '../biometrics/bir.ts'
import { fromAnyBase64 } from '../mosip/base64.ts'
import type { CapturedBiometric } from './verify-capture.ts'

/** What MOSIP's registration client writes in place of the biometric, which the data block holds already. */
const VALUE_PLACEHOLDER = '<bioValue>'

/**
 * Makes a record of a verified capture, with what its device signed: the detached signature as security block,
 * the signed JSON as entry `PAYLOAD`. Whoever processes the packet can so verify the device again.
 *
 * @throws TypeError if the biometric is still encrypted for somebody else.
 */
export function birOfCapture({ data, item, value }: CapturedBiometric): Bir {
  if (value === undefined) throw new TypeError('the biometric is encrypted')
  const [header, payload, signature] = item.data.split('.') as [string, string, string]
  const plain = item.sessionKey === undefined
  return {
    type: data.bioType,
    subtypes: data.bioSubType === '' ? [] : data.bioSubType.split(' '),
    quality: Number(data.qualityScore),
    bdb: value,
    purpose: 'Enroll',
    createdOn: new Date(data.timestamp).toISOString(),
    level: 'Raw',
    // What was signed encrypted cannot be put together again from the plain value.
    ...(plain && { sb: utf8(`${header}..${signature}`) }),
    others: {
      EXCEPTION: 'false',
      RETRIES: '1',
      FORCE_CAPTURED: 'false',
      SPEC_VERSION: item.specVersion,
      ...(plain && { PAYLOAD: withoutValue(payload, data.bioValue) }),
    },
  }
}

/**
 * The signed biometric as it left the device, put together again from a record.
 *
 * @returns undefined if the record holds none, such as one whose biometric left the device encrypted.
 */
export function signedCaptureOf(bir: Bir): string | undefined {
  const payload = bir.others?.PAYLOAD
  if (payload === undefined || bir.sb === undefined) return undefined
  const [header, signature, ...more] = fromUtf8(bir.sb).split('..')
  if (signature === undefined || more.length > 0) return undefined
  const whole = payload.replace(VALUE_PLACEHOLDER, () => toBase64url(bir.bdb))
  return `${header}.${toBase64url(utf8(whole))}.${signature}`
}

function withoutValue(payload: string, bioValue: string): string {
  return fromUtf8(fromAnyBase64(payload)).replace(bioValue, () => VALUE_PLACEHOLDER)
}
