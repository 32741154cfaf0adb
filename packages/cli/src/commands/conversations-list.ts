import type { Command } from 'commander'
import type { Page } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { type Conversation, conversationsPath } from '../admin/conversations-api.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { table } from '../terminal/output.ts'
import { LIST_LIMIT_DEFAULT, parseLimit, showPage } from '../terminal/page.ts'

interface Options extends ServerOptions {
  user?: string
  limit: string
  cursor?: string
}

/** `keyhaven conversations list`. */
export function conversationsListCommand(frame: Frame, conversations: Command): void {
  const list = describe(conversations.command('list'), 'list the conversations, by id', [
    ['keyhaven conversations list demo', 'All of them'],
    ['keyhaven conversations list demo --user alice', 'Those in which a user is or was'],
  ])
    .argument('<application>', 'application id')
    .option('--user <username>', 'only those in which this user is or was')
    .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
    .option('--cursor <text>', 'go on where the list before ended')
  withServerOptions(list).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      const { user: username, cursor } = options
      using admin = await connectAdmin(context, options)
      const query = { limit: parseLimit(options.limit), cursor, username }
      const page = await admin.get<Page<Conversation>>(conversationsPath(args[0]!), query)
      showPage(output, page, (items) =>
        table(
          [
            { heading: 'ID', cell: ({ id }) => id },
            { heading: 'MODE', cell: ({ mode }) => mode },
            { heading: 'MEMBERS', cell: ({ members }) => members, align: 'right' },
            { heading: 'KEYS', cell: ({ keys }) => keys, align: 'right' },
            { heading: 'RECEIPTS', cell: ({ receipts }) => receipts, align: 'right' },
            { heading: 'KEY OF', cell: ({ currentKey }) => currentKey?.createdAt },
            { heading: 'CREATED BY', cell: ({ createdBy }) => createdBy },
            { heading: 'CHANGED', cell: ({ changedAt }) => changedAt },
          ],
          items,
          'no conversations',
        ),
      )
      return undefined
    }),
  )
}
