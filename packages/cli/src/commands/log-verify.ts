import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import type { DirectoryLog } from '../admin/directory-api.ts'
import { directoryPath } from '../admin/directory-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { usageError } from '../command-error.ts'
import { action, describe, type Frame, type Invocation } from '../frame.ts'
import { withProgress } from '../local/progress-work.ts'
import type { LogAudit } from '../log/audit-log.ts'
import { fields, type Output, printable } from '../terminal/output.ts'

const DEFAULT_PUBLIC_URL = 'http://127.0.0.1:8787'
/** A log signs its checkpoint anew long before that. */
const OLD_CHECKPOINT_SECONDS = 3_600
const MS_PER_SECOND = 1_000

interface Options extends ServerOptions {
  url: string
  log?: string
  witness?: readonly string[]
  since?: string
}

/** `keyhaven log verify`: fetches the whole log as an auditor would, and recomputes it. */
export function logVerifyCommand(frame: Frame, log: Command): void {
  const verify = describe(
    log.command('verify'),
    'fetch the whole log as an auditor would and recompute it; no token is needed with --log',
    [
      [
        'keyhaven log verify demo --url https://keys.example --log VERIFIER_KEY',
        'Every entry and every hash, against the signed checkpoint',
      ],
      [
        'keyhaven log verify demo --log VERIFIER_KEY --since demo.checkpoint',
        'Also that the log only grew since the checkpoint in the file, which is then the new one',
      ],
      [
        'keyhaven log verify demo --log VERIFIER_KEY --witness VERIFIER_KEY',
        'Also that this witness cosigned the checkpoint',
      ],
      ['keyhaven log verify demo', 'With the key that the server itself names: no proof against the server'],
    ],
  )
    .argument('<application>', 'application id')
    .option('--url <url>', 'public address of the server', DEFAULT_PUBLIC_URL)
    .option(
      '--log <vkey>',
      'verifier key of the log, as the app is configured with it; without it the server is asked',
    )
    .option(
      '--witness <vkey>',
      'verifier key of a witness that must have cosigned; more than once for several',
      (key: string, previous: readonly string[] = []) => [...previous, key],
    )
    .option('--since <file>', 'file that remembers the last checkpoint; the first time it is made')
  withServerOptions(verify)
    .addHelpText('after', EXPLANATION)
    .action(
      action<Options>(frame, async (invocation) => {
        const { context, output, options, args } = invocation
        const application = args[0]!
        const publicUrl = requireHttp(options.url)
        const key = options.log ?? (await askServer(invocation, application))
        const { auditLog } = await import('../log/audit-log.ts')
        const audit = await withProgress(context, output.json, 'log entries', ({ onProgress, signal }) =>
          auditLog(
            context,
            {
              application,
              publicUrl,
              key,
              witnesses: options.witness ?? [],
              since: options.since,
            },
            { onProgress, signal },
          ),
        )
        output.result({ ...audit, keySource: options.log === undefined ? 'server' : 'given' }, () =>
          describeAudit(output, audit),
        )
        warnOfAge(invocation, audit)
        return undefined
      }),
    )
}

const EXPLANATION = `
It recomputes the root from all entries, compares every tile of hashes, and checks the signature of the
checkpoint. With --since it also finds a log that forked or shrank since then. Exit code 1 with
LOG_INCONSISTENT if the log is not what it promised, PROOF_INVALID if only its proofs are wrong or a
witness is missing, SIGNATURE_INVALID if the checkpoint is of another key. A checkpoint that contradicts
the one in FILE is kept in FILE.conflict: the two together prove it to everybody.`

/** The server's word about its own key. */
async function askServer(
  { context, output, options }: Invocation<Options>,
  application: string,
): Promise<string> {
  using admin = await connectAdmin(context, options)
  const { verifierKey } = await admin.get<DirectoryLog>(`${directoryPath(application)}/log`)
  output.note(
    'Warning: the key of the log is the one that the server names, so the server vouches for itself. ' +
      'Check with --log and the key that the app is configured with. The server says: ' +
      `${printable(verifierKey)}`,
  )
  return verifierKey
}

function describeAudit(output: Output, audit: LogAudit): string {
  const { since } = audit
  return fields([
    ['log', output.styledField('green', 'valid')],
    ['application', audit.application],
    ['origin', audit.origin],
    ['entries', audit.size],
    ['root', audit.root],
    ['signed', audit.signedAt],
    ...audit.witnesses.map(({ name, at }) => ['cosigned', `${at} by ${name}`] as const),
    ['since', since === null ? null : describeSince(since)],
  ])
}

function describeSince(since: NonNullable<LogAudit['since']>): string {
  if (since.size === null) return 'remembered from now on'
  if (since.grown < 0)
    return `it was at ${since.size} entries and still has them, but shows an older checkpoint`
  return `${since.grown} entries more than the ${since.size} remembered, which are unchanged`
}

function warnOfAge({ context, output }: Invocation<Options>, { signedAt }: LogAudit): void {
  if (signedAt === null) return
  const age = Math.floor((context.now() - Date.parse(signedAt)) / MS_PER_SECOND)
  if (age <= OLD_CHECKPOINT_SECONDS) return
  output.note(
    `Warning: the checkpoint was signed ${age} seconds ago, and a log signs anew within minutes. What ` +
      'came after it is hidden from you, or something between keeps old answers.',
  )
}

function requireHttp(url: string): string {
  if (URL.canParse(url) && /^https?:/.test(url)) return url
  throw usageError(`--url: "${url}" is not an http or https address`, 'Write it like https://keys.example.')
}
