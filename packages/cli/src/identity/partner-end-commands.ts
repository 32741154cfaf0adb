import type { Command } from 'commander'
import type { Page } from '../admin/admin-api.ts'
import type { Frame } from '../frame.ts'
import { fields, table } from '../terminal/output.ts'
import { LIST_LIMIT_DEFAULT, parseLimit, showPage } from '../terminal/page.ts'
import { type Authority, identityPath } from './identity-api.ts'
import { identityAction, type ListOptions, reasonOption } from './identity-command.ts'

const SHOWN = 'id, as `keyhaven identity partners show` shows it'

/** What ends what a partner has: each at once, for ever, and with a reason that the audit log keeps. */
const ENDINGS = [
  {
    name: 'end',
    what: 'subscription',
    path: ['subscriptions', 'end'],
    id: SHOWN,
    summary: 'end a subscription: its shares and API keys work no more',
    example: [
      'keyhaven identity partners end demo SUBSCRIPTION --reason "contract ended"',
      'The others stay',
    ],
  },
  {
    name: 'revoke-api-key',
    what: 'key',
    path: ['api-keys', 'revoke'],
    id: SHOWN,
    summary: 'revoke an API key',
    example: [
      'keyhaven identity partners revoke-api-key demo KEY --reason "a till was stolen"',
      'Issue another before',
    ],
  },
  {
    name: 'revoke-licence',
    what: 'licence',
    path: ['licences', 'revoke'],
    id: SHOWN,
    summary: 'revoke a licence key of a MISP',
    example: [
      'keyhaven identity partners revoke-licence demo LICENCE --reason "contract ended"',
      'Who calls through it is refused',
    ],
  },
  {
    name: 'revoke-certificate',
    what: 'certificate',
    path: ['certificates', 'revoke'],
    id: SHOWN,
    summary: 'revoke a partner’s certificate',
    example: [
      'keyhaven identity partners revoke-certificate demo CERTIFICATE --reason "key lost"',
      'The partner is refused until it has another',
    ],
  },
  {
    name: 'distrust',
    what: 'authority',
    path: ['authorities', 'revoke'],
    id: 'id, as `keyhaven identity partners authorities` shows it',
    summary: 'revoke an authority, and every certificate under it',
    example: [
      'keyhaven identity partners distrust demo AUTHORITY --reason "it was broken into"',
      'Its partners are refused from then on',
    ],
  },
] as const

export function endingCommands(frame: Frame, partners: Command): void {
  for (const { name, what, path, id, summary, example } of ENDINGS) {
    identityAction<{ reason: string }>(
      frame,
      partners,
      { name, summary, arguments: [[`<${what}>`, id]], examples: [example] },
      reasonOption,
      async ({ output, options, args }, admin) => {
        const ended = await admin.call<{ id: string; state: string }>(
          'POST',
          identityPath(args[0]!, path[0], args[1]!, path[1]),
          { body: { reason: options.reason } },
        )
        output.result(ended, () =>
          fields([
            [what, ended.id],
            ['state', ended.state],
          ]),
        )
      },
    )
  }
}

/** `keyhaven identity partners authorities`. */
export function authoritiesCommand(frame: Frame, partners: Command): void {
  identityAction<ListOptions & { domain?: string }>(
    frame,
    partners,
    {
      ...{ name: 'authorities', summary: 'list the certificate authorities that are or were trusted' },
      examples: [['keyhaven identity partners authorities demo --domain AUTH', 'Those of relying parties']],
    },
    (command) =>
      command
        .option('--domain <domain>', 'AUTH, DEVICE or FTM')
        .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
        .option('--cursor <text>', 'go on where the list before ended'),
    async ({ output, options, args }, admin) => {
      const { cursor, domain } = options
      const query = { limit: parseLimit(options.limit), cursor, domain }
      const found = await admin.get<Page<Authority>>(identityPath(args[0]!, 'authorities'), query)
      showPage(output, found, (items) =>
        table(
          [
            { heading: 'ID', cell: ({ id }) => id },
            { heading: 'DOMAIN', cell: ({ domain: of }) => of },
            { heading: 'STATE', cell: ({ state }) => state },
            { heading: 'UNTIL', cell: ({ notAfter }) => notAfter },
            { heading: 'SUBJECT', cell: ({ subject }) => subject },
          ],
          items,
          'no authorities: `partners trust` adds them',
        ),
      )
    },
  )
}
