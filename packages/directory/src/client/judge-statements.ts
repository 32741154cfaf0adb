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

/** A statement that was seen and verified. */
export interface SeenStatement {
  /** Hash of the device entry that it was made under. */
  readonly entry: string
  /** Seconds since the epoch. */
  readonly notBefore: number
  readonly expires: number
}

/** By device id: the newest one seen. */
export type SeenStatements = Readonly<Record<string, SeenStatement>>

export interface JudgedStatements {
  /** By device id; devices without a statement are missing. */
  readonly verdicts: ReadonlyMap<string, StatementVerdict>
  /** To be remembered. */
  readonly newest: SeenStatements
}

/**
 * A statement that is wrong takes its own device out, and no other. One that is older than a seen one, or is missing
 * although one was seen that still counts, is `DIRECTORY_STALE`.
 */
export async function judgeStatements(
  backend: CryptoBackend,
  state: UserState,
  statements: ReadonlyMap<string, string>,
  seen: SeenStatements = {},
): Promise<JudgedStatements> {
  const verdicts = new Map<string, StatementVerdict>()
  const newest: Record<string, SeenStatement> = { ...seen }
  for (const device of state.devices) {
    const before = seen[device.device]
    const jws = statements.get(device.device)
    if (jws === undefined || isOfEarlierRecord(jws, device)) {
      if (before?.entry === device.record.entry && state.at < before.expires)
        verdicts.set(device.device, { refused: 'DIRECTORY_STALE' })
      continue
    }
    try {
      const statement = await verifyEncryptionKeyStatement(backend, jws, state)
      if (statement.device !== device.device) verdicts.set(device.device, { refused: 'RECORD_INVALID' })
      else if (before !== undefined && statement.notBefore < before.notBefore)
        verdicts.set(device.device, { refused: 'DIRECTORY_STALE' })
      else {
        verdicts.set(device.device, statement)
        const { entry, notBefore, expires } = statement
        newest[device.device] = { entry, notBefore, expires }
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
