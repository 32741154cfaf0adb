import type { Command } from 'commander'
import type { AuditEntry, AuditVerification, Page } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { requireAuditAction } from '../admin/audit-actions.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { EXIT_FAILED, EXIT_OK } from '../exit-code.ts'
import { action, describe, type Frame } from '../frame.ts'
import { parseTime } from '../input/parse-time.ts'
import { fields, table } from '../terminal/output.ts'
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, parseLimit, showPage } from '../terminal/page.ts'

/** `keyhaven audit`: who did what to which key. */
export function auditCommand(frame: Frame, program: Command): void {
  const audit = describe(program.command('audit'), 'the audit log: who did what to which key', [
    ['keyhaven audit list --action key.revoke', 'All revocations, newest first'],
    ['keyhaven audit verify', 'Check that nothing was altered or left out'],
  ])
  listCommand(frame, audit)
  verifyCommand(frame, audit)
}

interface ListOptions extends ServerOptions {
  action?: string
  actor?: string
  application?: string
  from?: string
  to?: string
  limit: string
  cursor?: string
  all: boolean
}

function listCommand(frame: Frame, audit: Command): void {
  const list = describe(audit.command('list'), 'list entries, newest first', [
    ['keyhaven audit list --application demo --from 2026-11-01', 'What was done to one application'],
    ['keyhaven audit list --all --json', 'Everything, one JSON document a line'],
  ])
    .option('--action <name>', 'only this action, such as key.revoke')
    .option('--actor <actor>', 'only by this one')
    .option('--application <id>', 'only of this application')
    .option('--from <time>', 'from then on (ISO 8601)')
    .option('--to <time>', 'until then (ISO 8601)')
    .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
    .option('--cursor <text>', 'go on where the list before ended')
    .option('--all', 'all pages; with --json one entry a line')
  withServerOptions(list).action(
    action<ListOptions>(frame, async ({ context, output, options }) => {
      const now = context.now()
      const query = {
        action: options.action,
        actor: options.actor,
        applicationId: options.application,
        from: options.from && parseTime('--from', options.from, now),
        to: options.to && parseTime('--to', options.to, now),
        limit: options.all ? LIST_LIMIT_MAX : parseLimit(options.limit),
      }
      using admin = await connectAdmin(context, options)
      await requireAuditAction(admin, options.action)
      if (!options.all) {
        const page = await admin.get<Page<AuditEntry>>('/audit', { ...query, cursor: options.cursor })
        showPage(output, page, (entries) => entriesTable(entries, 'no entries'))
        return undefined
      }
      let cursor = options.cursor ?? null
      do {
        const page: Page<AuditEntry> = await admin.get('/audit', { ...query, cursor: cursor ?? undefined })
        if (output.json) for (const entry of page.items) output.line(entry, String)
        else output.line(page, () => entriesTable(page.items, 'no entries'))
        cursor = page.nextCursor
      } while (cursor !== null)
      return undefined
    }),
  )
}

function entriesTable(entries: readonly AuditEntry[], empty: string): string {
  return table(
    [
      { heading: 'ENTRY', cell: (entry) => entry.sequence, align: 'right' },
      { heading: 'AT', cell: (entry) => entry.at },
      { heading: 'ACTION', cell: (entry) => entry.action },
      { heading: 'APPLICATION', cell: (entry) => entry.applicationId },
      { heading: 'SUBJECT', cell: (entry) => entry.subject },
      { heading: 'BY', cell: (entry) => entry.actor },
      { heading: 'DETAIL', cell: (entry) => detailText(entry.detail) },
    ],
    entries,
    empty,
  )
}

function detailText(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null) return detail === null ? '' : String(detail ?? '')
  return Object.entries(detail)
    .map(([name, value]) => `${name}=${valueText(name, value)}`)
    .join(' ')
}

/** The log keeps times as milliseconds since the epoch, under names such as `activateAt`. */
function valueText(name: string, value: unknown): string {
  if (name.endsWith('At') && typeof value === 'number') return new Date(value).toISOString()
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function verifyCommand(frame: Frame, audit: Command): void {
  const verify = describe(audit.command('verify'), 'check the hash chain from the first entry to the last', [
    ['keyhaven audit verify', 'Exit code 1 if it does not hold'],
  ])
  withServerOptions(verify).action(
    action<ServerOptions>(frame, async ({ context, output, options }) => {
      using admin = await connectAdmin(context, options)
      const result = await admin.get<AuditVerification>('/audit/verify')
      output.result(result, () =>
        fields([
          [
            'audit log',
            result.valid ? output.styledField('green', 'valid') : output.styledField('red', 'BROKEN'),
          ],
          ['entries', result.entries],
          ['head', `${result.head.hash} (entry ${result.head.sequence})`],
          ['broken at entry', result.brokenAt],
          ['reason', result.reason],
        ]),
      )
      if (result.valid) return EXIT_OK
      output.note(
        'An entry was altered or left out. Keep the database as it is and compare it with a backup.',
      )
      return EXIT_FAILED
    }),
  )
}
