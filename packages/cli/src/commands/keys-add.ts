import type { Command } from 'commander'
import type { E2eKey } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { keysPath } from '../admin/key-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { parseTime } from '../input/parse-time.ts'
import { suiteOption } from '../input/suite-option.ts'
import { describeKey } from '../terminal/describe-key.ts'

interface Options extends ServerOptions {
  suite?: string
  activateAt?: string
  endAt?: string
}

/** `keyhaven keys add`. */
export function keysAddCommand(frame: Frame, keys: Command): void {
  const add = describe(
    keys.command('add'),
    'add an E2E key; the ones before stay accepted until you revoke them',
    [
      ['keyhaven keys add demo', 'Active in a moment, with the default suite'],
      ['keyhaven keys add demo --suite x25519 --activate-at +7d', 'Accepted at once, advertised in a week'],
    ],
  )
    .argument('<application>', 'application id')
    .addOption(suiteOption("of the key; else the application's own"))
    .option('--activate-at <time>', 'advertise it from then on: ISO 8601, or +30m, +2h, +7d')
    .option('--end-at <time>', 'revoke it then by itself')
  withServerOptions(add).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      const now = context.now()
      const body = {
        suite: options.suite,
        activateAt: options.activateAt && parseTime('--activate-at', options.activateAt, now),
        endAt: options.endAt && parseTime('--end-at', options.endAt, now),
      }
      using admin = await connectAdmin(context, options)
      const key = await admin.call<E2eKey>('POST', keysPath(args[0]!), { body })
      output.result(key, () => describeKey(key))
      return undefined
    }),
  )
}
