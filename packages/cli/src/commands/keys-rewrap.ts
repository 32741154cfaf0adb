import type { Command } from 'commander'
import { action, describe, type Frame } from '../frame.ts'
import { LOCAL_ACTOR } from '../local/local-actor.ts'
import { withProgress } from '../local/progress-work.ts'
import { DATA_SETTINGS, readSettings, withSettings } from '../local/settings.ts'
import { fields } from '../terminal/output.ts'

interface Options extends Record<string, unknown> {
  prepare?: boolean
}

/** `keyhaven keys rewrap`: a new master key, and every private key under it. */
export function keysRewrapCommand(frame: Frame, keys: Command): void {
  const rewrap = describe(
    keys.command('rewrap'),
    'move every private key to a new master key, while the server runs; a run that was cut is finished ' +
      'by the next',
    [
      ['keyhaven keys rewrap', 'On the machine that has the data folder'],
      [
        'keyhaven keys rewrap --prepare',
        'Several machines: copy the master key file to all of them, then rewrap',
      ],
    ],
  )
    .option('--prepare', 'only add the new master key to the file, and use it for nothing yet')
    .addHelpText('after', '\nBackups made before need the master key file of their time: keep it with them.')
  withSettings(rewrap, DATA_SETTINGS).action(
    action<Options>(frame, async ({ context, output, options }) => {
      const server = await import('@keyhaven/server/maintenance')
      const config = readSettings(context, DATA_SETTINGS, options, server.loadConfig)
      const summary = await withProgress(context, output.json, 'rewrap', (work) =>
        server.rewrap(config, { ...work, actor: LOCAL_ACTOR, ...(options.prepare && { only: 'prepare' }) }),
      )
      output.result(summary, () =>
        fields([
          ['master key', summary.masterKeyId],
          ['keys moved', summary.moved],
          ['dropped', summary.dropped.join(', ')],
          ['finished an earlier run', summary.resumed ? 'yes' : undefined],
        ]),
      )
      return undefined
    }),
  )
}
