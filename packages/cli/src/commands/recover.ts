import type { RecoverSummary } from '@keyhaven/server/maintenance'
import type { Command } from 'commander'
import { action, describe, type Frame } from '../frame.ts'
import { LOCAL_ACTOR } from '../local/local-actor.ts'
import { withProgress } from '../local/progress-work.ts'
import { DATA_SETTINGS, readSettings, withSettings } from '../local/settings.ts'
import { fields, table } from '../terminal/output.ts'
import { confirmTyped } from '../terminal/prompt.ts'

type RevokedAgain = RecoverSummary['revokedAgain'][number]

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
      '\nIt revokes again what was revoked, raises the epoch of every manifest so that apps take the next one, and\n' +
        'writes into the audit log which entries are missing. Applications with an offline root then need a new\n' +
        'delegation (`keyhaven trust status APPLICATION`).',
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
        const facts = fields([
          ['recovered', summary.difference],
          ['missing audit entries', summary.missingAuditEntries ?? 'not known'],
          ['epochs raised', summary.epochsRaised],
          ['keys revoked again', summary.revokedAgain.length],
        ])
        const columns = [
          { heading: 'APPLICATION', cell: (key: RevokedAgain) => key.applicationId },
          { heading: 'REVOKED AGAIN', cell: (key: RevokedAgain) => key.id },
        ]
        return summary.revokedAgain.length === 0
          ? facts
          : `${facts}\n\n${table(columns, summary.revokedAgain, '')}`
      })
      return undefined
    }),
  )
}
