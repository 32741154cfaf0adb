import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ConversationDetails, conversationsPath } from '../admin/conversations-api.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields, table } from '../terminal/output.ts'

/** `keyhaven conversations show`. */
export function conversationsShowCommand(frame: Frame, conversations: Command): void {
  const show = describe(
    conversations.command('show'),
    'show the members, rules and exports of a conversation',
    [['keyhaven conversations show demo q83vEjRWeJCrze8SNFZ4kA', 'By its id']],
  )
    .argument('<application>', 'application id')
    .argument('<conversation>', 'id, as `keyhaven conversations list` shows it')
  withServerOptions(show).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const found = await admin.get<ConversationDetails>(conversationsPath(args[0]!, args[1]!))
      output.result(found, () => describeConversation(found))
      return undefined
    }),
  )
}

function describeConversation(found: ConversationDetails): string {
  const about = fields([
    ['conversation', found.id],
    ['mode', found.mode],
    ['created', `${found.createdAt} by ${found.createdBy}`],
    ['changes', found.sequence],
    ['history', `members ${found.history.members}, devices ${found.history.devices}`],
    ['retention', found.retentionDays === null ? 'for ever' : `${found.retentionDays} days`],
    ['current key', found.currentKey && `${found.currentKey.id} of ${found.currentKey.createdAt}`],
    ['keys', found.keys],
    ['receipts', found.receipts],
    ['files', `${found.fileBytes} bytes`],
  ])
  const people = table(
    [
      { heading: 'USER', cell: ({ username }) => username },
      { heading: 'ROLE', cell: ({ role }) => role },
      { heading: 'SINCE', cell: ({ since }) => since },
      { heading: 'UNTIL', cell: ({ until }) => until },
    ],
    found.people,
    'nobody',
  )
  const exports = table(
    [
      { heading: 'EXPORT', cell: ({ id }) => id },
      { heading: 'STATE', cell: ({ state }) => state },
      { heading: 'BY', cell: ({ requestedBy }) => requestedBy },
      { heading: 'APPROVED BY', cell: ({ approvedBy }) => approvedBy },
      { heading: 'REASON', cell: ({ reason }) => reason },
    ],
    found.exports,
    'no exports',
  )
  return `${about}\n\n${people}\n\n${exports}`
}
