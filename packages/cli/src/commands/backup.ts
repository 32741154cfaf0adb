import { resolve } from 'node:path'
import type { Command } from 'commander'
import { CommandError } from '../command-error.ts'
import { action, describe, type Frame } from '../frame.ts'
import { withProgress } from '../local/progress-work.ts'
import { DATA_SETTINGS, readSettings, withSettings } from '../local/settings.ts'
import { fields } from '../terminal/output.ts'

/** `keyhaven backup`: the database in one file, while the server runs. */
export function backupCommand(frame: Frame, program: Command): void {
  const backup = describe(
    program.command('backup'),
    'write the database to one file, also while the server runs',
    [
      ['keyhaven backup keyhaven-2026-11-21.backup', 'Private keys are in it only wrapped'],
      [
        'KEYHAVEN_DATABASE_URL=postgres://keyhaven:…@db/keyhaven keyhaven backup keyhaven.backup',
        'From PostgreSQL; restore also takes it into SQLite, and the other way',
      ],
    ],
  )
    .argument('<file>', 'the new file; it is never overwritten')
    .addHelpText(
      'after',
      '\nThe master key file is not in the backup: keep a copy of it ' +
        'elsewhere. The rollback anchor (anchor.db) is\n' +
        'not in it either, and must not be restored together with it.',
    )
  withSettings(backup, DATA_SETTINGS).action(
    action<Record<string, unknown>>(frame, async ({ context, output, options, args }) => {
      const server = await import('@keyhaven/server/maintenance')
      const config = readSettings(context, DATA_SETTINGS, options, server.loadConfig)
      const file = resolve(context.cwd, args[0]!)
      const summary = await withProgress(context, output.json, 'backup', (work) =>
        server.backup(config, { ...work, file, clock: context.now }),
      ).catch((error: unknown) => {
        throw withAdvice(error)
      })
      output.result(summary, () =>
        fields([
          ['backup', summary.file],
          ['rows', summary.rows],
          ['audit head', `${summary.auditHead.hash} (entry ${summary.auditHead.sequence})`],
        ]),
      )
      output.note('The master key is not in it. Without the master key a backup cannot be used.')
      return undefined
    }),
  )
}

function withAdvice(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (error.code === 'CONFLICT') {
    return new CommandError('CONFLICT', error.message, 'Choose another name, or move the old file away.')
  }
  if (error.code === 'STORE_UNAVAILABLE') {
    const advice = 'Check that the folder is there and has room, and that the database can be reached.'
    return new CommandError('STORE_UNAVAILABLE', error.message, advice)
  }
  return error
}
