import type { Command } from 'commander'
import type { Page } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ConversationReceipt, conversationsPath } from '../admin/conversations-api.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { table } from '../terminal/output.ts'
import { LIST_LIMIT_DEFAULT, parseLimit, showPage } from '../terminal/page.ts'

const MS_PER_SECOND = 1_000

interface Options extends ServerOptions {
  limit: string
  cursor?: string
}

/** `keyhaven conversations receipts`: who was given what. */
export function conversationsReceiptsCommand(frame: Frame, conversations: Command): void {
  const receipts = describe(
    conversations.command('receipts'),
    'list who was given which key, file or export and by which rule, newest first; members see the same',
    [
      ['keyhaven conversations receipts demo q83vEjRWeJCrze8SNFZ4kA', 'The latest'],
      [
        'keyhaven conversations receipts demo q83vEjRWeJCrze8SNFZ4kA --limit 200 --json',
        'With what the public log commits to',
      ],
    ],
  )
    .argument('<application>', 'application id')
    .argument('<conversation>', 'id, as `keyhaven conversations list` shows it')
    .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
    .option('--cursor <text>', 'go on where the list before ended')
  withServerOptions(receipts).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      const query = { limit: parseLimit(options.limit), cursor: options.cursor }
      using admin = await connectAdmin(context, options)
      const path = `${conversationsPath(args[0]!, args[1]!)}/receipts`
      const page = await admin.get<Page<ConversationReceipt>>(path, query)
      showPage(output, page, (items) =>
        table(
          [
            { heading: 'NO', cell: ({ receipt }) => receipt.sequence },
            { heading: 'AT', cell: ({ receipt }) => new Date(receipt.at * MS_PER_SECOND).toISOString() },
            { heading: 'KIND', cell: ({ receipt }) => receipt.kind },
            { heading: 'TO', cell: ({ receipt }) => receiver(receipt.to) },
            { heading: 'RULE', cell: ({ receipt }) => receipt.rule },
            { heading: 'KEY OR FILE', cell: ({ receipt }) => receipt.object },
            { heading: 'LOG LEAF', cell: ({ commitment }) => commitment.logIndex },
          ],
          items,
          'no receipts: nobody was given a key or file yet',
        ),
      )
      return undefined
    }),
  )
}

function receiver(to: ConversationReceipt['receipt']['to']): string {
  return 'username' in to ? `${to.username}/${to.device}` : to.operators.join(' and ')
}
