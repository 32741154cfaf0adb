import { fromUtf8, KeyhavenError } from '@keyhaven/crypto'

/** What IDA signs (K17) of its HPKE key; `GET …/keys`, profile `keyhaven`. */
export interface HpkeStatement {
  readonly v: 1
  /** IDA's tenant: it is in what is sealed. */
  readonly application: string
  readonly kem: 'x-wing'
  /** base64url. */
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function readHpkeStatement(payload: Uint8Array): HpkeStatement {
  const value = parsed(payload)
  const { v, application, kem, key, notAfter } = value
  if (v === 1 && kem === 'x-wing' && typeof application === 'string' && typeof key === 'string') {
    if (Number.isSafeInteger(notAfter)) {
      return { v, application, kem, key, notAfter: notAfter as number }
    }
  }
  throw new KeyhavenError('WIRE_MALFORMED', 'statement of an HPKE key')
}

function parsed(payload: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(fromUtf8(payload))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Answered below.
  }
  throw new KeyhavenError('WIRE_MALFORMED', 'statement of an HPKE key')
}
