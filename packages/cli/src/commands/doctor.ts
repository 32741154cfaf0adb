import type { Command } from 'commander'
import { isLoopback, parseServerUrl } from '../admin/admin-client.ts'
import { type ServerOptions, serverToReach, withReachOptions } from '../admin/server-options.ts'
import type { Context } from '../context.ts'
import { type Check, failedBy } from '../doctor/check.ts'
import { EXIT_FAILED, EXIT_OK } from '../exit-code.ts'
import { action, describe, type Frame } from '../frame.ts'
import { SERVE_SETTINGS } from '../local/server-settings.ts'
import { readSettings, withSettings } from '../local/settings.ts'
import { type Output, printable } from '../terminal/output.ts'

type Options = ServerOptions & Record<string, unknown>

/** `keyhaven doctor`: looks for what is wrong, changes nothing. */
export function doctorCommand(frame: Frame, program: Command): void {
  const doctor = describe(
    program.command('doctor'),
    'look for what is wrong with the machine, the data and the server; changes nothing',
    [
      ['keyhaven doctor', 'Node, settings, files, database, ports, server, clock, manifests'],
      [
        'keyhaven doctor --server https://keys.example:8788 --trust THUMBPRINT',
        'Only what can be seen from here',
      ],
    ],
  )
  withSettings(withReachOptions(doctor), SERVE_SETTINGS).action(
    action<Options>(frame, async ({ context, output, options }) => {
      const remote = !isLoopback(parseServerUrl(serverToReach(context, options).server).hostname)
      const checks = await (remote ? checkRemote(context, options) : checkLocal(context, output, options))
      const healthy = checks.every((check) => check.status !== 'failed')
      output.result({ healthy, checks }, () => checks.map((check) => describeCheck(output, check)).join('\n'))
      return healthy ? EXIT_OK : EXIT_FAILED
    }),
  )
}

async function checkRemote(context: Context, options: Options): Promise<Check[]> {
  const { checkNode } = await import('../doctor/check-node.ts')
  const { checkServer } = await import('../doctor/check-server.ts')
  const publicUrl =
    typeof options.publicUrl === 'string' ? options.publicUrl : context.env.KEYHAVEN_PUBLIC_URL || undefined
  return [checkNode(process.versions.node), ...(await checkServer(context, options, publicUrl))]
}

async function checkLocal(context: Context, output: Output, options: Options): Promise<Check[]> {
  const { checkNode } = await import('../doctor/check-node.ts')
  const { checkAdminToken, checkDataFolder } = await import('../doctor/check-files.ts')
  const { checkHsm } = await import('../doctor/check-hsm.ts')
  const { checkState } = await import('../doctor/check-state.ts')
  const { checkServer } = await import('../doctor/check-server.ts')
  const { checkPort } = await import('../doctor/check-ports.ts')
  const { listenUrl } = await import('../doctor/listen-url.ts')
  const { loadConfig } = await import('@keyhaven/server/maintenance')
  const node = checkNode(process.versions.node)
  let config: ReturnType<typeof loadConfig>
  try {
    config = readSettings(context, SERVE_SETTINGS, options, loadConfig)
  } catch (error) {
    return [node, failedBy('settings', error, '')]
  }
  // As the server does: TLS only where others can reach it.
  const adminSecure = config.tls !== undefined && !isLoopback(config.admin.host)
  const adminUrl = config.adminUrl ?? listenUrl(adminSecure ? 'https' : 'http', config.admin)
  const named = options.server !== undefined || context.env.KEYHAVEN_SERVER
  const server = await checkServer(
    context,
    named ? options : { ...options, server: adminUrl },
    config.publicUrl,
  )
  const running = server[0]?.status === 'ok'
  return [
    node,
    { name: 'settings', status: 'ok', detail: 'all valid' },
    await checkDataFolder(config.dataDir),
    await checkAdminToken(config.dataDir, context.env),
    ...(await checkState(context, output.json, config)),
    ...(await checkHsm(config)),
    await checkPort('public port', config, running),
    await checkPort('admin port', config.admin, running),
    ...(config.identity === undefined
      ? []
      : [await checkPort('identity port', config.identity.listen, running)]),
    ...server,
  ]
}

const STYLES = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' } as const
const STATUS_COLUMNS = 'warning'.length
const NAME_COLUMNS = 'manifest demo'.length

function describeCheck(output: Output, check: Check): string {
  const status = output.style(STYLES[check.status], check.status.padEnd(STATUS_COLUMNS))
  const line = `${status}  ${check.name.padEnd(NAME_COLUMNS)}  ${printable(check.detail)}`
  if (check.advice === undefined) return line
  return `${line}\n${' '.repeat(STATUS_COLUMNS)}  what to do: ${printable(check.advice)}`
}
