import type { Command } from 'commander'
import type { Page } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import type { DirectoryUser } from '../admin/directory-api.ts'
import { directoryPath } from '../admin/directory-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { table } from '../terminal/output.ts'
import { LIST_LIMIT_DEFAULT, parseLimit, showPage } from '../terminal/page.ts'

interface Options extends ServerOptions {
  search?: string
  limit: string
  cursor?: string
}

/** `keyhaven directory users`. */
export function directoryUsersCommand(frame: Frame, directory: Command): void {
  const users = describe(directory.command('users'), 'list the users by name', [
    ['keyhaven directory users demo', 'All of them, a page at a time'],
    ['keyhaven directory users demo --search ali', 'Only names with this in them'],
  ])
    .argument('<application>', 'application id')
    .option('--search <text>', 'only names that contain this')
    .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
    .option('--cursor <text>', 'go on where the list before ended')
  withServerOptions(users).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      const query = { q: options.search, limit: parseLimit(options.limit), cursor: options.cursor }
      using admin = await connectAdmin(context, options)
      const page = await admin.get<Page<DirectoryUser>>(`${directoryPath(args[0]!)}/users`, query)
      showPage(output, page, (items) =>
        table(
          [
            { heading: 'USER', cell: (user) => user.username },
            { heading: 'DEVICES', cell: (user) => user.devices, align: 'right' },
            { heading: 'RESETS', cell: (user) => user.chain, align: 'right' },
            { heading: 'ENTRIES', cell: (user) => user.sequence + 1, align: 'right' },
            { heading: 'SINCE', cell: (user) => user.createdAt },
            { heading: 'CHANGED', cell: (user) => user.changedAt },
          ],
          items,
          'no users; `keyhaven directory tokens issue APPLICATION USERNAME` lets one sign up',
        ),
      )
      return undefined
    }),
  )
}
