import type { RecoverSummary } from '@keyhaven/server/maintenance'
import type { Command } from 'commander'
import { action, describe, type Frame } from '../frame.ts'
import { LOCAL_ACTOR } from '../local/local-actor.ts'
import { withProgress } from '../local/progress-work.ts'
import { DATA_SETTINGS, readSettings, withSettings } from '../local/settings.ts'
import { type Column, fields, table } from '../terminal/output.ts'
import { confirmTyped } from '../terminal/prompt.ts'

type RevokedAgain = RecoverSummary['revokedAgain'][number]
type RecoveredLog = RecoverSummary['logs'][number]

const KEY_COLUMNS: readonly Column<RevokedAgain>[] = [
  { heading: 'APPLICATION', cell: (key) => key.applicationId },
  { heading: 'REVOKED AGAIN', cell: (key) => key.id },
]
const LOG_COLUMNS: readonly Column<RecoveredLog>[] = [
  { heading: 'LOG OF', cell: (log) => log.applicationId },
  { heading: 'PUBLISHED', cell: (log) => log.anchored, align: 'right' },
  { heading: 'KEPT', cell: (log) => log.kept, align: 'right' },
  { heading: 'TAKEN BACK', cell: (log) => log.restored, align: 'right' },
  { heading: 'AS PUBLISHED', cell: (log) => (log.whole ? 'yes' : 'NO') },
]
const LOG_NOT_WHOLE =
  'A log is not the one that was published any more: the files beside the ' +
  'anchor did not have all of it. Apps and\n' +
  'witnesses will refuse it with LOG_INCONSISTENT.'

/** `keyhaven recover`: makes a database that was set back safe to use. */
export function recoverCommand(frame: Frame, program: Command): void {
  const recover = describe(
    program.command('recover'),
    'make a database that is older than its rollback anchor safe to use; stop every server process before',
    [['keyhaven recover', 'After a restore, when the server refuses with STATE_ROLLED_BACK']],
  )
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nIt revokes again what was revoked, raises the epoch of every manifest ' +
        'so that apps take the next one, and\n' +
        'takes what the logs lost back from the files beside the anchor, and ' +
        'writes into the audit log which entries\n' +
        'are missing. Applications with an offline root then need a new delegation\n' +
        '(`keyhaven trust status APPLICATION`).',
    )
  withSettings(recover, DATA_SETTINGS).action(
    action<Record<string, unknown> & { yes?: boolean }>(frame, async ({ context, output, options }) => {
      const server = await import('@keyhaven/server/maintenance')
      const config = readSettings(context, DATA_SETTINGS, options, server.loadConfig)
      const question =
        'Accept the older database? Changes since then are lost, except that revoked keys are revoked again.'
      await confirmTyped({ context, output, options }, question, 'recover')
      const summary = await withProgress(context, output.json, 'recover', (work) =>
        server.recover(config, { ...work, actor: LOCAL_ACTOR, clock: context.now }),
      )
      output.result(summary, () => {
        if (!summary.recovered) return 'nothing to recover: the database is not older than its anchor'
        const { revokedAgain, logs } = summary
        const facts = fields([
          ['recovered', summary.difference],
          ['missing audit entries', summary.missingAuditEntries ?? 'not known'],
          ['epochs raised', summary.epochsRaised],
          ['keys revoked again', revokedAgain.length],
          ['logs mended', logs.length],
        ])
        const tables = [
          ...(revokedAgain.length > 0 ? [table(KEY_COLUMNS, revokedAgain, '')] : []),
          ...(logs.length > 0 ? [table(LOG_COLUMNS, logs, '')] : []),
        ]
        return [facts, ...tables].join('\n\n')
      })
      const cut = summary.logs.filter((log) => !log.whole)
      if (cut.length > 0) output.note(LOG_NOT_WHOLE)
      return undefined
    }),
  )
}
