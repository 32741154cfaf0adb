import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import type { LogTrust } from './log-trust.ts'
import { type VerifiedSignature, verifyNote } from './verify-note.ts'

/** How far ahead another clock may be. */
export const CHECKPOINT_SKEW_SECONDS = 120

export interface CheckpointExpectation extends LogTrust {
  /** Own clock, seconds since the epoch. */
  readonly now: number
  /** Refuse a checkpoint whose own time is older, or missing. Left out: any age. */
  readonly maxAgeSeconds?: number | undefined
}

export interface Cosignature {
  /** Name of the witness. */
  readonly name: string
  /** Seconds since the epoch. */
  readonly timestamp: number
}

/** A checkpoint that the log signed and enough witnesses cosigned. */
export interface OpenedCheckpoint extends Checkpoint {
  /** The whole note, to remember or to pass on. */
  readonly note: string
  /** When the log signed it, seconds since the epoch, if it says. */
  readonly signedAt: number | undefined
  /** Of trusted witnesses only. */
  readonly cosignatures: readonly Cosignature[]
}

/**
 * Verifies a signed checkpoint against the app's trust configuration (C2SP tlog-checkpoint,
 * tlog-cosignature v1).
 *
 * @throws KeyhavenError `SIGNATURE_INVALID` if the log did not sign it, it is of another log, or a trusted
 * key's signature is wrong; `PROOF_INVALID` if fewer witnesses than the threshold cosigned it;
 * `DIRECTORY_STALE` over `maxAgeSeconds`; `CLOCK_SKEW` if the log's time is ahead of `now` by more than
 * {@link CHECKPOINT_SKEW_SECONDS} (such a cosignature does not count); `WIRE_MALFORMED`, `WIRE_TOO_LARGE`.
 */
export async function openCheckpoint(
  backend: CryptoBackend,
  note: string,
  expected: CheckpointExpectation,
): Promise<OpenedCheckpoint> {
  const { log, time, witnesses, now, maxAgeSeconds } = expected
  const { text, signatures } = await verifyNote(backend, note, [log, time, ...witnesses.keys])
  const ofLog = signatures.some(({ key }) => key === log)
  const checkpoint = parseCheckpoint(text)
  if (!ofLog || checkpoint.origin !== log.name) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'the checkpoint is not signed by this log')
  }
  const signedAt = signatures.find(({ key }) => key === time)?.timestamp
  const latest = now + CHECKPOINT_SKEW_SECONDS
  if (signedAt !== undefined && signedAt > latest) {
    throw new KeyhavenError('CLOCK_SKEW', 'the checkpoint is from the future, or this clock is slow')
  }
  if (maxAgeSeconds !== undefined && (signedAt === undefined || now - signedAt > maxAgeSeconds)) {
    throw new KeyhavenError('DIRECTORY_STALE', 'the checkpoint is too old, or this clock is fast')
  }
  const cosignatures = cosignaturesOf(signatures, expected, latest)
  if (cosignatures.length < witnesses.threshold) {
    const how = `${cosignatures.length} of the ${witnesses.threshold} witnesses that are demanded`
    throw new KeyhavenError('PROOF_INVALID', `the checkpoint is cosigned by ${how}: do they run?`)
  }
  return { ...checkpoint, note, signedAt, cosignatures }
}

function cosignaturesOf(signatures: readonly VerifiedSignature[], trust: LogTrust, latest: number) {
  const cosignatures: Cosignature[] = []
  for (const { key, timestamp } of signatures) {
    const counts = trust.witnesses.keys.includes(key) && timestamp !== undefined && timestamp <= latest
    if (counts) cosignatures.push({ name: key.name, timestamp })
  }
  return cosignatures
}
