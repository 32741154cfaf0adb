import { backend, type ErrorCode, KeyhavenError } from '@keyhaven/crypto'
import {
  formatVerifierKey,
  importLogTrust,
  type LogParameters,
  type LogTrust,
  type OpenedCheckpoint,
  openCheckpoint,
} from '@keyhaven/directory/log'
import type { LongWork } from '@keyhaven/server/maintenance'
import { CommandError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { openPublicLog } from './public-log.ts'
import { openRemembered, type RememberedCheckpoint } from './remembered-checkpoint.ts'
import { verifyLog } from './verify-log.ts'

const MS_PER_SECOND = 1_000

export interface AuditInput {
  readonly application: string
  readonly publicUrl: string
  /** Verifier key of the log. */
  readonly key: string
  /** Verifier keys; all must have cosigned. */
  readonly witnesses: readonly string[]
  /** File with the last checkpoint. */
  readonly since: string | undefined
}

/** What an audit found; times are ISO 8601. */
export interface LogAudit {
  readonly valid: true
  readonly application: string
  readonly origin: string
  readonly verifierKey: string
  /** Number of entries. */
  readonly size: number
  /** Base64, as in the checkpoint. */
  readonly root: string
  readonly signedAt: string | null
  readonly witnesses: ReadonlyArray<{ readonly name: string; readonly at: string }>
  /** Null without a file; its size is null the first time. */
  readonly since: { readonly size: number | null; readonly grown: number } | null
  /** What entry 0 says; null in an empty log. */
  readonly parameters: Pick<LogParameters, 'vrfKey' | 'authorityKey'> | null
  /** The signed note, to compare with what others were shown. */
  readonly checkpoint: string
}

/**
 * Audits a log over its public address.
 *
 * @throws KeyhavenError or CommandError `SIGNATURE_INVALID`, `LOG_INCONSISTENT`, `PROOF_INVALID`,
 *   `CLOCK_SKEW`; and
 * what the network brings.
 */
export async function auditLog(
  context: Context,
  input: AuditInput,
  { onProgress, signal }: Required<LongWork>,
): Promise<LogAudit> {
  const trust = await importTrust(input)
  const remembered = input.since === undefined ? undefined : await openRemembered(context, input.since, trust)
  const ended = new AbortController()
  const log = openPublicLog(
    context,
    input.publicUrl,
    input.application,
    AbortSignal.any([signal, ended.signal]),
  )
  const now = Math.floor(context.now() / MS_PER_SECOND)
  const opened = await openCheckpoint(backend, await log.checkpoint(), { ...trust, now }).catch((error) => {
    throw withAdvice(error, CHECKPOINT_ADVICE)
  })
  const known = remembered?.checkpoint
  const claims = {
    application: input.application,
    origin: trust.log.name,
    head: opened,
    remembered: known,
  }
  try {
    const { parameters } = await verifyLog(log, claims, onProgress)
    if (remembered && opened.size >= (known?.size ?? 0)) await remembered.replace(opened.note)
    return describe(input, trust, opened, parameters, remembered)
  } catch (error) {
    throw withAdvice(await withEvidence(error, remembered, opened.note), LOG_ADVICE)
  } finally {
    ended.abort(new Error('the audit is over'))
  }
}

/** What to do if the checkpoint is not what was asked for. */
const CHECKPOINT_ADVICE: Partial<Record<ErrorCode, string>> = {
  SIGNATURE_INVALID:
    'Check --log: it is the key that the app is configured with, and the name in it is the application. ' +
    'If it is right, somebody else answers, or the key of the log was changed: apps refuse it too.',
  PROOF_INVALID:
    'So many of the witnesses given have cosigned the newest checkpoint. Try again in a minute; if it ' +
    'stays, ask the operator whether the server reaches them (`keyhaven directory log show ' +
    'APPLICATION`), and ask the witness what it refused.',
}

/** What to do if the log does not fit its checkpoint. */
const LOG_ADVICE: Partial<Record<ErrorCode, string>> = {
  LOG_INCONSISTENT:
    'Do not trust this directory until it is explained. Tell the operator, who can run `keyhaven ' +
    'directory log check APPLICATION`; with --since the next audit shows whether it forked.',
  PROOF_INVALID:
    'Apps refuse what the server proves with these hashes. Tell the operator, who can run `keyhaven ' +
    'directory log check APPLICATION`.',
}

function withAdvice(error: unknown, advice: Partial<Record<ErrorCode, string>>): unknown {
  if (!(error instanceof KeyhavenError)) return error
  const known = advice[error.code]
  return known === undefined ? error : new CommandError(error.code, error.message, known)
}

async function importTrust({ key, witnesses }: AuditInput): Promise<LogTrust> {
  const trusted =
    witnesses.length === 0 ? undefined : { keys: [...new Set(witnesses)], threshold: new Set(witnesses).size }
  try {
    return await importLogTrust(backend, { log: key, witnesses: trusted })
  } catch (error) {
    if (!(error instanceof KeyhavenError)) throw error
    throw new CommandError(
      'CONFIG_INVALID',
      `--log, --witness: ${error.message}`,
      'Give verifier keys: the one of the log as `keyhaven directory log show APPLICATION` prints it, ' +
        'and those of witnesses as they print them when they start.',
    )
  }
}

/** Two checkpoints that contradict each other are proof, so the new one is kept beside the old one. */
async function withEvidence(
  error: unknown,
  remembered: RememberedCheckpoint | undefined,
  note: string,
): Promise<unknown> {
  const contradicts = error instanceof KeyhavenError && error.code === 'LOG_INCONSISTENT'
  if (!contradicts || !remembered?.checkpoint) return error
  const file = await remembered.keepConflict(note)
  return new CommandError(
    'LOG_INCONSISTENT',
    error.message,
    'Do not trust this directory until it is explained: apps refuse it too. The checkpoint shown now is ' +
      `kept in ${file}, the one before stays where it is; give both to the operator and to others who ` +
      'use the log.',
  )
}

function describe(
  { application }: AuditInput,
  trust: LogTrust,
  opened: OpenedCheckpoint,
  parameters: LogParameters | undefined,
  remembered: RememberedCheckpoint | undefined,
): LogAudit {
  const known = remembered?.checkpoint?.size
  return {
    valid: true,
    application,
    origin: opened.origin,
    verifierKey: formatVerifierKey(trust.log),
    size: opened.size,
    root: Buffer.from(opened.root).toString('base64'),
    signedAt: opened.signedAt === undefined ? null : isoTime(opened.signedAt),
    witnesses: opened.cosignatures.map(({ name, timestamp }) => ({ name, at: isoTime(timestamp) })),
    since: remembered === undefined ? null : { size: known ?? null, grown: opened.size - (known ?? 0) },
    parameters:
      parameters === undefined ? null : { vrfKey: parameters.vrfKey, authorityKey: parameters.authorityKey },
    checkpoint: opened.note,
  }
}

function isoTime(seconds: number): string {
  return new Date(seconds * MS_PER_SECOND).toISOString()
}
