import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ConversationExport, conversationsPath, type ExportedKeys } from '../admin/conversations-api.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { parseTime } from '../input/parse-time.ts'
import { fields, table } from '../terminal/output.ts'
import { confirmTyped } from '../terminal/prompt.ts'

const ID = 'q83vEjRWeJCrze8SNFZ4kA'

/**
 * `keyhaven conversations export`: the keys of a managed conversation, for which two operators are needed.
 */
export function conversationsExportCommand(frame: Frame, conversations: Command): void {
  const exports = describe(
    conversations.command('export'),
    'export the keys of a managed conversation: two operators, and a receipt that its members see',
    [
      [`keyhaven conversations export request demo ${ID} --reason "order 7"`, 'The first operator'],
      [`keyhaven conversations export approve demo ${ID} EXPORT`, 'The second one, with another token'],
      [`keyhaven conversations export download demo ${ID} EXPORT --json`, 'Either of them, once'],
    ],
  )
  requestCommand(frame, exports)
  approveCommand(frame, exports)
  downloadCommand(frame, exports)
}

interface RequestOptions extends ServerOptions {
  reason: string
  from?: string
  to?: string
}

function requestCommand(frame: Frame, exports: Command): void {
  const request = describe(exports.command('request'), 'ask for an export; another operator approves it', [
    [`keyhaven conversations export request demo ${ID} --reason "order 7"`, 'All keys that are not erased'],
    [
      `keyhaven conversations export request demo ${ID} --reason "order 7" --from 2026-03-01T00:00:00Z`,
      'Those in use since then',
    ],
  ])
    .argument('<application>', 'application id')
    .argument('<conversation>', 'id, as `keyhaven conversations list` shows it')
    .requiredOption('--reason <text>', 'why; it stands in the audit log')
    .option('--from <time>', 'keys in use after it: ISO 8601')
    .option('--to <time>', 'keys made before it: ISO 8601')
  withServerOptions(request).action(
    action<RequestOptions>(frame, async ({ context, output, options, args }) => {
      const [application, conversation] = args as [string, string]
      const now = context.now()
      const body = {
        reason: options.reason,
        from: options.from && parseTime('--from', options.from, now),
        to: options.to && parseTime('--to', options.to, now),
      }
      using admin = await connectAdmin(context, options)
      const path = `${conversationsPath(application, conversation)}/exports`
      const made = await admin.call<ConversationExport>('POST', path, { body })
      output.result(made, () => describeExport(made))
      output.note(
        'Another operator approves it now: ' +
          `\`keyhaven conversations export approve ${application} ${conversation} ${made.id}\`.`,
      )
      return undefined
    }),
  )
}

function approveCommand(frame: Frame, exports: Command): void {
  const approve = describe(exports.command('approve'), 'approve an export that another operator asked for', [
    [
      `keyhaven conversations export approve demo ${ID} EXPORT`,
      'Asks you to type the id of the conversation',
    ],
  ])
    .argument('<application>', 'application id')
    .argument('<conversation>', 'id of the conversation')
    .argument('<export>', 'id of the export, as `keyhaven conversations show` shows it')
    .option('--yes', 'do not ask')
  withServerOptions(approve).action(
    action<ServerOptions & { yes: boolean }>(frame, async ({ context, output, options, args }) => {
      const [application, conversation, id] = args as [string, string, string]
      using admin = await connectAdmin(context, options)
      const question = 'Approve that the keys of this conversation are handed out? Its members will see it.'
      await confirmTyped({ context, output, options }, question, conversation)
      const path = `${exportPath(application, conversation, id)}/approve`
      const approved = await admin.call<ConversationExport>('POST', path)
      output.result(approved, () => describeExport(approved))
      return undefined
    }),
  )
}

function downloadCommand(frame: Frame, exports: Command): void {
  const download = describe(
    exports.command('download'),
    'fetch the keys of an approved export, once; only its two operators can',
    [[`keyhaven conversations export download demo ${ID} EXPORT --json`, 'Each key with its receipt']],
  )
    .argument('<application>', 'application id')
    .argument('<conversation>', 'id of the conversation')
    .argument('<export>', 'id of the export')
  withServerOptions(download).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      const [application, conversation, id] = args as [string, string, string]
      using admin = await connectAdmin(context, options)
      const keys = await admin.get<ExportedKeys>(`${exportPath(application, conversation, id)}/keys`)
      output.result(keys, () =>
        table(
          [
            { heading: 'ID', cell: (key) => key.id },
            { heading: 'CREATED', cell: (key) => key.createdAt },
            { heading: 'KEY', cell: (key) => key.key },
          ],
          keys.items,
          'no keys: they are erased, or the dates leave none',
        ),
      )
      output.note('Keep them now: they cannot be fetched again. The members see a receipt of each.')
      return undefined
    }),
  )
}

function exportPath(application: string, conversation: string, id: string): string {
  return `${conversationsPath(application, conversation)}/exports/${encodeURIComponent(id)}`
}

function describeExport(row: ConversationExport): string {
  return fields([
    ['export', row.id],
    ['conversation', row.conversation],
    ['state', row.state],
    ['reason', row.reason],
    ['by', row.requestedBy],
    ['approved by', row.approvedBy],
  ])
}
