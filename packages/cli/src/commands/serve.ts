import type { Command } from 'commander'
import { action, describe, type Frame } from '../frame.ts'
import { serveUntilStopped } from '../local/serve-until-stopped.ts'
import { SERVE_SETTINGS } from '../local/server-settings.ts'
import { readSettings, variablesHelp, withSettings } from '../local/settings.ts'
import { describeServer } from '../terminal/describe-server.ts'

/** `keyhaven serve`: the key server, until it is told to stop. */
export function serveCommand(frame: Frame, program: Command): void {
  const serve = describe(program.command('serve'), 'start the key server', [
    ['keyhaven serve', 'With a demo application, on this machine only'],
    ['keyhaven serve --port 8443 --data /var/lib/keyhaven --workers 4', 'Four processes'],
    [
      'KEYHAVEN_DATABASE_URL=postgres://keyhaven:…@db/keyhaven keyhaven serve',
      'On PostgreSQL; the password stays off the command line',
    ],
  ])
  withSettings(serve, SERVE_SETTINGS)
    .addHelpText('after', variablesHelp(SERVE_SETTINGS))
    .action(
      action<Record<string, unknown>>(frame, async ({ context, output, options }) => {
        const { loadConfig, startServer } = await import('@keyhaven/server')
        const config = readSettings(context, SERVE_SETTINGS, options, loadConfig)
        const server = await startServer(config)
        await serveUntilStopped(output, server, () => describeServer(output, server, config))
        return undefined
      }),
    )
}
