import type { Command } from 'commander'
import type { E2eKey } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { keyPath } from '../admin/key-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { usageError } from '../command-error.ts'
import { action, describe, type Frame } from '../frame.ts'
import { parseTime } from '../input/parse-time.ts'
import { describeKey } from '../terminal/describe-key.ts'

interface Options extends ServerOptions {
  activateAt?: string
  endAt?: string
}

/** `keyhaven keys schedule`: when a key becomes active, when it ends. */
export function keysScheduleCommand(frame: Frame, keys: Command): void {
  const schedule = describe(keys.command('schedule'), 'set when a key becomes active or ends', [
    ['keyhaven keys schedule demo 2 --activate-at 2026-12-01T08:00:00Z', 'Advertise it from then on'],
    ['keyhaven keys schedule demo 1 --end-at +30d', 'Revoke it by itself in 30 days'],
    ['keyhaven keys schedule demo 1 --end-at never', 'Take the end back'],
  ])
    .argument('<application>', 'application id')
    .argument('<key>', 'key number of a live key, or its id (UUID)')
    .option('--activate-at <time>', 'ISO 8601, or +30m, +2h, +7d')
    .option('--end-at <time>', 'ISO 8601, or +30m, +2h, +7d; never: no end')
  withServerOptions(schedule).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      if (options.activateAt === undefined && options.endAt === undefined) {
        throw usageError('there is nothing to set', 'Give --activate-at TIME, --end-at TIME or both.')
      }
      const now = context.now()
      const body = {
        activateAt: options.activateAt && parseTime('--activate-at', options.activateAt, now),
        endAt: options.endAt === 'never' ? null : options.endAt && parseTime('--end-at', options.endAt, now),
      }
      using admin = await connectAdmin(context, options)
      const key = await admin.call<E2eKey>('PATCH', keyPath(args[0]!, args[1]!), { body })
      output.result(key, () => describeKey(key))
      return undefined
    }),
  )
}
