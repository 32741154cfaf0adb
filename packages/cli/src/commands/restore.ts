import { resolve } from 'node:path'
import type { Command } from 'commander'
import { CommandError } from '../command-error.ts'
import { EXIT_UNSAFE } from '../exit-code.ts'
import { action, describe, type Frame } from '../frame.ts'
import { LOCAL_ACTOR } from '../local/local-actor.ts'
import { withProgress } from '../local/progress-work.ts'
import { DATA_SETTINGS, readSettings, withSettings } from '../local/settings.ts'
import { fields } from '../terminal/output.ts'
import { confirmTyped } from '../terminal/prompt.ts'

interface Options extends Record<string, unknown> {
  yes?: boolean
  force?: boolean
}

/** `keyhaven restore`: fills a database from a backup, whole or not at all. */
export function restoreCommand(frame: Frame, program: Command): void {
  const restore = describe(
    program.command('restore'),
    'fill a database from a backup; stop every server process before',
    [
      ['keyhaven restore keyhaven-2026-11-21.backup', 'Into an empty database; asks you to type restore'],
      ['keyhaven restore old.backup --force --yes', 'What the database holds now is lost'],
    ],
  )
    .argument('<file>', 'a file that `keyhaven backup` wrote')
    .option('--yes', 'do not ask')
    .option('--force', 'also over a database that is not empty: what it holds is lost')
  withSettings(restore, DATA_SETTINGS).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      const server = await import('@keyhaven/server/maintenance')
      const config = readSettings(context, DATA_SETTINGS, options, server.loadConfig)
      const file = resolve(context.cwd, args[0]!)
      const loss = options.force ? ' What it holds now is lost.' : ''
      const question = `Restore ${file} into the ${config.database.dialect} database?${loss}`
      await confirmTyped({ context, output, options }, question, 'restore')
      const summary = await withProgress(context, output.json, 'restore', (work) =>
        server.restore(config, {
          ...work,
          file,
          actor: LOCAL_ACTOR,
          force: options.force === true,
          clock: context.now,
        }),
      ).catch((error: unknown) => {
        throw notEmptyAsUnsafe(error)
      })
      output.result(summary, () =>
        fields([
          ['restored', file],
          ['made at', summary.createdAt],
          ['rows', summary.rows],
          ['recover needed', summary.recoverNeeded ? output.styledField('yellow', 'yes') : 'no'],
        ]),
      )
      if (summary.recoverNeeded) {
        output.note('The backup is older than the rollback anchor: run `keyhaven recover` before the server.')
      }
      return undefined
    }),
  )
}

function notEmptyAsUnsafe(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'CONFLICT') return error
  return new CommandError(
    'CONFLICT',
    error.message,
    'Restore into an empty database (another --data or --database-url), or give --force to lose what it ' +
      'holds.',
    EXIT_UNSAFE,
  )
}
