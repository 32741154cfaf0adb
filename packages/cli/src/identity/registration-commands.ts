import type { Command } from 'commander'
import type { Page } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields, table } from '../terminal/output.ts'
import { LIST_LIMIT_DEFAULT, parseLimit, showPage } from '../terminal/page.ts'
import {
  APPLICATION,
  identityPath,
  type Registration,
  type RegistrationDetail,
  RID,
} from './registration-api.ts'

interface ListOptions extends ServerOptions {
  stage?: string
  limit: string
  cursor?: string
}

/** `keyhaven identity registrations`: how far each is; nothing of the people. */
export function identityRegistrationsCommand(frame: Frame, identity: Command): void {
  const registrations = describe(
    identity.command('registrations'),
    'registrations and their stages; nothing of the people',
    [
      ['keyhaven identity registrations list demo --stage REJECTED', 'Those that need a corrected packet'],
      ['keyhaven identity registrations counts demo', 'How many are in which stage'],
    ],
  )
  listCommand(frame, registrations)
  countsCommand(frame, registrations)
  showCommand(frame, registrations)
}

function listCommand(frame: Frame, registrations: Command): void {
  const list = describe(registrations.command('list'), 'list registrations, newest change first', [
    ['keyhaven identity registrations list demo', 'All of them'],
    ['keyhaven identity registrations list demo --stage REJECTED', 'Only those of one stage'],
  ])
    .argument(...APPLICATION)
    .option(
      '--stage <name>',
      'RECEIVED, VERIFIED, DEDUPLICATED, UIN_GIVEN, STORED, CREDENTIALS_ISSUED, REJECTED',
    )
    .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
    .option('--cursor <text>', 'go on where the list before ended')
  withServerOptions(list).action(
    action<ListOptions>(frame, async ({ context, output, options, args }) => {
      const { stage, cursor } = options
      using admin = await connectAdmin(context, options)
      const query = { limit: parseLimit(options.limit), cursor, stage }
      const page = await admin.get<Page<Registration>>(identityPath(args[0]!, 'registrations'), query)
      showPage(output, page, (items) =>
        table(
          [
            { heading: 'REGISTRATION', cell: ({ rid }) => rid },
            { heading: 'STATION', cell: ({ refId }) => refId },
            { heading: 'STAGE', cell: ({ stage: now }) => now },
            { heading: 'PACKETS', cell: ({ attempt }) => attempt, align: 'right' },
            { heading: 'CHANGED', cell: ({ changedAt }) => changedAt },
            { heading: 'REASON', cell: ({ reason }) => reason },
          ],
          items,
          'no registrations',
        ),
      )
      return undefined
    }),
  )
}

function countsCommand(frame: Frame, registrations: Command): void {
  const counts = describe(registrations.command('counts'), 'count the registrations in each stage', [
    ['keyhaven identity registrations counts demo', 'From received to credentials issued'],
  ]).argument(...APPLICATION)
  withServerOptions(counts).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const path = identityPath(args[0]!, 'registrations', 'counts')
      const found = await admin.get<{ readonly counts: Readonly<Record<string, number>> }>(path)
      output.result(found, () => fields(Object.entries(found.counts)))
      return undefined
    }),
  )
}

function showCommand(frame: Frame, registrations: Command): void {
  const show = describe(registrations.command('show'), 'show a registration and its history', [
    ['keyhaven identity registrations show demo 10001100770000120260301120000', 'By its registration id'],
  ])
    .argument(...APPLICATION)
    .argument(...RID)
  withServerOptions(show).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const found = await admin.get<RegistrationDetail>(identityPath(args[0]!, 'registrations', args[1]!))
      output.result(found, () => describeRegistration(found))
      return undefined
    }),
  )
}

function describeRegistration(found: RegistrationDetail): string {
  const about = fields([
    ['registration', found.rid],
    ['station', found.refId],
    ['stage', found.stage],
    ['reason', found.reason],
    ['officer', found.officer],
    ['packets', found.attempt],
    ['packet', `${found.packetBytes} bytes, SHA-256 ${found.packetHash}`],
    ['received', found.receivedAt],
  ])
  const history = table(
    [
      { heading: 'AT', cell: ({ at }) => at },
      { heading: 'STAGE', cell: ({ stage }) => stage },
      { heading: 'REASON', cell: ({ reason }) => reason },
    ],
    found.history,
    'nothing happened yet',
  )
  return `${about}\n\n${history}`
}
