import type { Command } from 'commander'
import type { Application, Page } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { collectThumbprints, type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { suiteOption } from '../input/suite-option.ts'
import { fields, table } from '../terminal/output.ts'
import { LIST_LIMIT_DEFAULT, parseLimit, showPage } from '../terminal/page.ts'

/** `keyhaven apps`: the applications of a server. */
export function appsCommand(frame: Frame, program: Command): void {
  const apps = describe(program.command('apps'), 'the applications of a server', [
    ['keyhaven apps add shop --name "Web shop"', 'Make an application with its first key'],
    ['keyhaven apps list', 'List them'],
  ])
  addCommand(frame, apps)
  listCommand(frame, apps)
  showCommand(frame, apps)
}

interface AddOptions extends ServerOptions {
  name?: string
  suite?: string
  root?: readonly string[]
}

function addCommand(frame: Frame, apps: Command): void {
  const add = describe(apps.command('add'), 'make an application; it gets its first E2E key at once', [
    ['keyhaven apps add shop --name "Web shop"', 'Its root key lies on the server'],
    ['keyhaven apps add bank --root THUMBPRINT --root SPARE', 'Its root keys are offline (see trust)'],
  ])
    .argument('<application>', 'id: small letters, digits and -, 1 to 63 characters')
    .option('--name <text>', 'name for people; else the id')
    .addOption(suiteOption('of the first key; else x-wing'))
    .option(
      '--root <thumbprint>',
      'thumbprint of an offline root key (twice: also the spare)',
      collectThumbprints,
    )
  withServerOptions(add).action(
    action<AddOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const body = {
        id: args[0],
        name: options.name,
        suite: options.suite,
        rootThumbprints: options.root,
      }
      const application = await admin.call<Application>('POST', '/applications', { body })
      output.result(application, () => describeApplication(application))
      return undefined
    }),
  )
}

interface ListOptions extends ServerOptions {
  search?: string
  limit: string
  cursor?: string
}

function listCommand(frame: Frame, apps: Command): void {
  const list = describe(apps.command('list'), 'list the applications', [
    ['keyhaven apps list --search shop', 'Those whose id or name contains it'],
  ])
    .option('--search <text>', 'part of the id or the name')
    .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
    .option('--cursor <text>', 'go on where the list before ended')
  withServerOptions(list).action(
    action<ListOptions>(frame, async ({ context, output, options }) => {
      using admin = await connectAdmin(context, options)
      const query = { q: options.search, limit: parseLimit(options.limit), cursor: options.cursor }
      const page = await admin.get<Page<Application>>('/applications', query)
      showPage(output, page, (items) =>
        table(
          [
            { heading: 'APPLICATION', cell: (row) => row.id + (row.isDefault ? ' (default)' : '') },
            { heading: 'NAME', cell: (row) => row.name },
            { heading: 'ROOT', cell: (row) => row.trust.mode },
            { heading: 'PENDING', cell: (row) => row.keyCounts.pending, align: 'right' },
            { heading: 'ACTIVE', cell: (row) => row.keyCounts.active, align: 'right' },
            { heading: 'RETIRING', cell: (row) => row.keyCounts.retiring, align: 'right' },
            { heading: 'REVOKED', cell: (row) => row.keyCounts.revoked, align: 'right' },
            { heading: 'CREATED', cell: (row) => row.createdAt },
          ],
          items,
          'no applications; make one with `keyhaven apps add ID`',
        ),
      )
      return undefined
    }),
  )
}

function showCommand(frame: Frame, apps: Command): void {
  const show = describe(apps.command('show'), 'show an application and what its apps ship', [
    ['keyhaven apps show demo', 'The root thumbprints go into the app'],
  ]).argument('<application>', 'application id')
  withServerOptions(show).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const application = await admin.get<Application>(`/applications/${encodeURIComponent(args[0]!)}`)
      output.result(application, () => describeApplication(application))
      return undefined
    }),
  )
}

function describeApplication(application: Application): string {
  const { trust, keyCounts } = application
  return fields([
    ['application', application.id],
    ['name', application.name],
    ['default', application.isDefault ? 'yes' : undefined],
    ['created', application.createdAt],
    ['root key', trust.mode === 'online' ? 'on the server' : 'offline'],
    ...trust.rootThumbprints.map((thumbprint) => ['root thumbprint', thumbprint] as const),
    ['epoch', trust.epoch],
    ['sequence', trust.sequence],
    ['delegation ends', trust.delegationExpiresAt],
    [
      'keys',
      `${keyCounts.active} active, ${keyCounts.pending} pending, ${keyCounts.retiring} retiring, ` +
        `${keyCounts.revoked} revoked`,
    ],
  ])
}
