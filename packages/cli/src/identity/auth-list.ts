import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { table } from '../terminal/output.ts'
import { LIST_LIMIT_DEFAULT, parseLimit, showPage } from '../terminal/page.ts'
import { AUTH_PATH, type AuthAnswer } from './auth-api.ts'

interface Options extends ServerOptions {
  readonly partner?: string
  readonly limit: string
  readonly cursor?: string
}

/** `keyhaven auth list`: who asked what, and the answer; never about whom. */
export function authListCommand(frame: Frame, auth: Command): void {
  const list = describe(
    auth.command('list'),
    'who asked, what was answered, the token that was given; newest first, never about whom',
    [
      ['keyhaven auth list', 'The last 50'],
      ['keyhaven auth list --partner bank-1 --json', 'Of one partner, for a program'],
    ],
  )
    .option('--partner <id>', 'of this partner only')
    .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
    .option('--cursor <text>', 'where a page before ended')
  withServerOptions(list).action(
    action<Options>(frame, async ({ context, output, options }) => {
      const query = new URLSearchParams({ limit: String(parseLimit(options.limit)) })
      if (options.partner !== undefined) query.set('partner', options.partner)
      if (options.cursor !== undefined) query.set('cursor', options.cursor)
      using admin = await connectAdmin(context, options)
      const page = await admin.get<{ items: AuthAnswer[]; nextCursor: string | null }>(
        `${AUTH_PATH}/answers?${query}`,
      )
      showPage(output, page, (items) =>
        table(
          [
            { heading: 'AT', cell: (one) => one.at },
            { heading: 'CALLER', cell: (one) => one.caller },
            { heading: 'KIND', cell: (one) => one.kind },
            { heading: 'BY', cell: (one) => one.types.join('+') },
            { heading: 'RESULT', cell: (one) => one.result },
            { heading: 'ERRORS', cell: (one) => one.errors.join(' ') },
            { heading: 'TOKEN', cell: (one) => one.token ?? '' },
          ],
          items,
          'nobody has asked yet',
        ),
      )
      return undefined
    }),
  )
}
