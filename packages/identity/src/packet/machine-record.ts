import { type CryptoBackend, fromUtf8, KeyhavenError } from '@keyhaven/crypto'
import { type JwsSigner, type JwsTrust, signJwt, verifyJwt } from '../mosip/jws.ts'

const MACHINE_RECORD_TYP = 'keyhaven-machine-record+jws'

/** The server's word that a machine belongs to a centre. */
export interface MachineRecord {
  /** `centre_machine`. */
  readonly refId: string
  /** Of the machine key: `machineKeyIndex` of an RSA key, the JWK thumbprint of another. */
  readonly keyIndex: string
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** @param more - what else the server says to the machine. @returns a compact JWS. */
export function signMachineRecord(
  signer: JwsSigner,
  record: MachineRecord,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return signJwt(signer, JSON.stringify({ ...record, ...more }), { typ: MACHINE_RECORD_TYP })
}

/**
 * Reads a machine's record that the server signed, as a compact JWS.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID`, also for a payload that is no such record; what the trust throws.
 */
export async function verifyMachineRecord(
  backend: CryptoBackend,
  jws: string,
  trust: JwsTrust,
): Promise<MachineRecord> {
  const { payload } = await verifyJwt(backend, jws, { ...trust, typ: MACHINE_RECORD_TYP })
  try {
    const { refId, keyIndex, until } = JSON.parse(fromUtf8(payload)) as Record<string, unknown>
    if (typeof refId === 'string' && typeof keyIndex === 'string' && typeof until === 'number') {
      return { refId, keyIndex, until }
    }
  } catch {
    // falls through to the one error for both
  }
  throw new KeyhavenError('SIGNATURE_INVALID', 'the machine’s record')
}
