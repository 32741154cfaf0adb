import type { Command } from 'commander'
import { action, describe, type Frame } from '../frame.ts'
import { serveUntilStopped } from '../local/serve-until-stopped.ts'
import { GATEWAY_SETTINGS } from '../local/server-settings.ts'
import { readSettings, variablesHelp, withSettings } from '../local/settings.ts'
import { describeGateway } from '../terminal/describe-server.ts'

/** `keyhaven gateway`: sealed calls for backends that know nothing of them. */
export function gatewayCommand(frame: Frame, program: Command): void {
  const gateway = describe(
    program.command('gateway'),
    'open sealed calls in front of backends that need no change; keys, admin API and dashboard are as ' +
      'with serve',
    [
      ['keyhaven gateway --upstream http://127.0.0.1:3000', 'Every opened call goes to this backend'],
      [
        'keyhaven gateway --upstream http://127.0.0.1:3000 --origin https://api.example --application shop',
        'Behind a load balancer, for one application',
      ],
    ],
  )
  withSettings(gateway, GATEWAY_SETTINGS)
    .option('--application <id>', 'serve only this application; else all')
    .addHelpText('after', variablesHelp(GATEWAY_SETTINGS))
    .action(
      action<Record<string, unknown>>(frame, async ({ context, output, options }) => {
        const { loadConfig, startGateway } = await import('@keyhaven/server')
        const config = readSettings(context, GATEWAY_SETTINGS, options, loadConfig)
        const applicationId = typeof options.application === 'string' ? options.application : undefined
        const server = await startGateway(config, applicationId === undefined ? {} : { applicationId })
        await serveUntilStopped(output, server, () =>
          describeGateway(output, server, config.upstreams, applicationId),
        )
        return undefined
      }),
    )
}
