import { type CryptoBackend, type ErrorCode, type Jwk, KeyhavenError } from '@keyhaven/crypto'
import { verifyEncryptionKeyStatement } from '../chain/encryption-key-statement.ts'
import type { DeviceState, UserState } from '../chain/user-state.ts'
import { decodeJwsPayload } from './decode-jws-payload.ts'

/** An encryption key statement that was verified, or why the device cannot be written to. */
export type StatementVerdict =
  | {
      readonly key: Jwk
      readonly thumbprint: string
      /** Seconds since the epoch. */
      readonly notBefore: number
      readonly expires: number
    }
  | { readonly refused: ErrorCode }

export interface JudgedStatements {
  /** By device id; devices without a statement are missing. */
  readonly verdicts: ReadonlyMap<string, StatementVerdict>
  /** By device id: `notBefore` of the newest one seen, to be remembered. */
  readonly newest: Readonly<Record<string, number>>
}

/** A statement that is wrong takes its own device out, and no other; one older than a seen one is `DIRECTORY_STALE`. */
export async function judgeStatements(
  backend: CryptoBackend,
  state: UserState,
  statements: ReadonlyMap<string, string>,
  seen: Readonly<Record<string, number>> = {},
): Promise<JudgedStatements> {
  const verdicts = new Map<string, StatementVerdict>()
  const newest: Record<string, number> = { ...seen }
  for (const device of state.devices) {
    const jws = statements.get(device.device)
    if (jws === undefined || isOfEarlierRecord(jws, device)) continue
    try {
      const statement = await verifyEncryptionKeyStatement(backend, jws, state)
      if (statement.device !== device.device) verdicts.set(device.device, { refused: 'RECORD_INVALID' })
      else if (statement.notBefore < (seen[device.device] ?? 0))
        verdicts.set(device.device, { refused: 'DIRECTORY_STALE' })
      else {
        verdicts.set(device.device, statement)
        newest[device.device] = statement.notBefore
      }
    } catch (error) {
      if (!(error instanceof KeyhavenError)) throw error
      verdicts.set(device.device, { refused: error.code })
    }
  }
  return { verdicts, newest }
}

/** A renewal brings a newer key of its own: what was stated before it says nothing any more. */
function isOfEarlierRecord(jws: string, device: DeviceState): boolean {
  const entry = decodeJwsPayload(jws)?.entry
  return device.earlier.some((record) => record.entry === entry)
}
