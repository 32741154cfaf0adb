import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { conversationsExportCommand } from './conversations-export.ts'
import { conversationsListCommand } from './conversations-list.ts'
import { conversationsReceiptsCommand } from './conversations-receipts.ts'
import { conversationsRotateCommand } from './conversations-rotate.ts'
import { conversationsShowCommand } from './conversations-show.ts'

/** `keyhaven conversations`: who is in them, their keys and receipts in number; never content. */
export function conversationsCommand(frame: Frame, program: Command): void {
  const conversations = describe(
    program.command('conversations'),
    'the conversations of an application: members, keys, receipts, exports; never content',
    [
      ['keyhaven conversations list demo', 'Which there are'],
      ['keyhaven conversations show demo q83vEjRWeJCrze8SNFZ4kA', 'Who is in one, and what was exported'],
    ],
  )
  conversationsListCommand(frame, conversations)
  conversationsShowCommand(frame, conversations)
  conversationsReceiptsCommand(frame, conversations)
  conversationsRotateCommand(frame, conversations)
  conversationsExportCommand(frame, conversations)
}
