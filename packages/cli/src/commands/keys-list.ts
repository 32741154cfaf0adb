import type { Command } from 'commander'
import type { E2eKey } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { keysPath } from '../admin/key-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { table } from '../terminal/output.ts'

/** `keyhaven keys list`. */
export function keysListCommand(frame: Frame, keys: Command): void {
  const list = describe(keys.command('list'), 'list the keys, newest first', [
    ['keyhaven keys list demo', 'Also the revoked ones: their public record stays'],
  ]).argument('<application>', 'application id')
  withServerOptions(list).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const answer = await admin.get<{ items: E2eKey[] }>(keysPath(args[0]!))
      output.result(answer, () =>
        table(
          [
            { heading: 'KEY', cell: (key) => key.keyId, align: 'right' },
            { heading: 'STATE', cell: (key) => key.state },
            { heading: 'SUITE', cell: (key) => key.suiteName },
            { heading: 'CREATED', cell: (key) => key.createdAt },
            { heading: 'ACTIVE SINCE', cell: (key) => key.activatedAt },
            { heading: 'LAST USED', cell: (key) => key.lastUsedAt },
            { heading: 'ID', cell: (key) => key.id },
          ],
          answer.items,
          'no keys; add one with `keyhaven keys add APPLICATION`',
        ),
      )
      return undefined
    }),
  )
}
