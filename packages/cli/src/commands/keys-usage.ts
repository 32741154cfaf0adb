import type { Command } from 'commander'
import type { KeyUsage, Usage } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { keysPath } from '../admin/key-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { describeVerdict } from '../terminal/describe-verdict.ts'
import { printable, table } from '../terminal/output.ts'

/**
 * As in the dashboard before a revoke. The verdict knows only installations that called in the window: many
 * apps are not opened every day, and in one day a whole release could be missed.
 */
export const USAGE_WINDOW_DEFAULT = '7d'

interface Options extends ServerOptions {
  window: string
}

/** `keyhaven keys usage`: who uses which key, and whether it is safe to revoke. */
export function keysUsageCommand(frame: Frame, keys: Command): void {
  const usage = describe(
    keys.command('usage'),
    'show which apps use which key, and whether revoking it is safe',
    [
      ['keyhaven keys usage demo', 'Over the last week'],
      ['keyhaven keys usage demo --window 30d', 'For an app that people open more rarely'],
    ],
  )
    .argument('<application>', 'application id')
    .option(
      '--window <duration>',
      'look back so far, for the shares and for the verdict: 24h, 30d',
      USAGE_WINDOW_DEFAULT,
    )
  withServerOptions(usage).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const answer = await admin.get<Usage>(`${keysPath(args[0]!)}/usage`, { window: options.window })
      output.result(answer, () =>
        [
          `${answer.requests} requests of ${answer.installations} installations, ` +
            `${printable(answer.from)} to ${printable(answer.to)}`,
          ...leftOut(answer.installationsLeftOut),
          '',
          usageTable(answer.keys),
          '',
          ...answer.keys
            .filter((key) => key.state !== 'revoked')
            .map((key) => `key ${key.keyId}: ${describeVerdict(output, key.verdict)}`),
        ].join('\n'),
      )
      return undefined
    }),
  )
}

function leftOut(installations: number): string[] {
  if (installations === 0) return []
  return [`up to ${installations} more were left out: too many new installations came within an hour`]
}

function usageTable(keys: readonly KeyUsage[]): string {
  return table(
    [
      { heading: 'KEY', cell: (key) => key.keyId, align: 'right' },
      { heading: 'STATE', cell: (key) => key.state },
      { heading: 'REQUESTS', cell: (key) => key.requests, align: 'right' },
      { heading: 'SHARE', cell: (key) => percent(key.requestShare), align: 'right' },
      { heading: 'INSTALLATIONS', cell: (key) => key.installations, align: 'right' },
      { heading: 'SHARE', cell: (key) => percent(key.installationShare), align: 'right' },
      { heading: 'LAST USED', cell: (key) => key.lastUsedAt },
      {
        heading: 'APP VERSIONS',
        cell: (key) => key.byAppVersion.map((entry) => `${entry.appVersion}: ${entry.requests}`).join(', '),
      },
    ],
    keys,
    'no keys',
  )
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}
