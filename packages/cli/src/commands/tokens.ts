import { type Command, Option } from 'commander'
import type { ApiToken } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { CommandError } from '../command-error.ts'
import { action, describe, type Frame } from '../frame.ts'
import { parseTime } from '../input/parse-time.ts'
import { fields, table } from '../terminal/output.ts'
import { confirmTyped } from '../terminal/prompt.ts'

/** `keyhaven tokens`: API tokens of the admin API. */
export function tokensCommand(frame: Frame, program: Command): void {
  const tokens = describe(program.command('tokens'), 'API tokens of the admin API', [
    ['keyhaven tokens add deploy --role key-manager --expires +90d', 'Make one; it is shown once'],
    ['keyhaven tokens list', 'Names, roles and last use'],
  ])
  addCommand(frame, tokens)
  listCommand(frame, tokens)
  removeCommand(frame, tokens)
}

interface AddOptions extends ServerOptions {
  role: readonly string[]
  expires?: string
}

function addCommand(frame: Frame, tokens: Command): void {
  const add = describe(tokens.command('add'), 'make a token; only its hash is kept, so it is shown once', [
    ['keyhaven tokens add deploy --role key-manager --expires +90d', 'For a program that rotates keys'],
    ['keyhaven tokens add watcher --role auditor', 'May read everything, change nothing'],
  ])
    .argument('<name>', 'a name that shows up in the audit log')
    .addOption(roleOption())
    .option('--expires <time>', 'ISO 8601, or +90d; else it does not expire')
  withServerOptions(add).action(
    action<AddOptions>(frame, async ({ context, output, options, args }) => {
      const expiresAt = options.expires && parseTime('--expires', options.expires, context.now())
      const body = { name: args[0], roles: options.role, expiresAt }
      using admin = await connectAdmin(context, options)
      const token = await admin.call<ApiToken>('POST', '/tokens', { body })
      output.result(token, () => token.token ?? '')
      output.note(`Token "${token.name}" (${token.id}). Keep it now: it cannot be shown again.`)
      return undefined
    }),
  )
}

/** What an API token may do, on the server. */
export const ROLE_NAMES = [
  'admin',
  'key-manager',
  'auditor',
  'partner-manager',
  'registration-officer',
  'identity-service',
]

function roleOption(): Option {
  const option = new Option('--role <role>', 'what it may do; more than once for several')
  const check = option.choices(ROLE_NAMES).parseArg
  option.argParser((role, previous: readonly string[] = []) => {
    check?.(role, previous)
    return [...previous, role]
  })
  return option.makeOptionMandatory()
}

function listCommand(frame: Frame, tokens: Command): void {
  const list = describe(tokens.command('list'), 'list the tokens', [['keyhaven tokens list', 'All of them']])
  withServerOptions(list).action(
    action<ServerOptions>(frame, async ({ context, output, options }) => {
      using admin = await connectAdmin(context, options)
      const answer = await admin.get<{ items: ApiToken[] }>('/tokens')
      output.result(answer, () =>
        table(
          [
            { heading: 'NAME', cell: (token) => token.name },
            { heading: 'ROLES', cell: (token) => token.roles.join(', ') },
            { heading: 'CREATED', cell: (token) => token.createdAt },
            { heading: 'EXPIRES', cell: (token) => token.expiresAt },
            { heading: 'LAST USED', cell: (token) => token.lastUsedAt },
            { heading: 'ID', cell: (token) => token.id },
          ],
          answer.items,
          'no tokens; make one with `keyhaven tokens add NAME --role ROLE`',
        ),
      )
      return undefined
    }),
  )
}

function removeCommand(frame: Frame, tokens: Command): void {
  const remove = describe(
    tokens.command('remove'),
    'remove a token; whoever uses it is refused from now on',
    [['keyhaven tokens remove deploy', 'By name or id; asks you to type the name']],
  )
    .argument('<token>', 'name or id')
    .option('--yes', 'do not ask')
  withServerOptions(remove).action(
    action<ServerOptions & { yes: boolean }>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const { items } = await admin.get<{ items: ApiToken[] }>('/tokens')
      const found = items.filter((token) => token.id === args[0] || token.name === args[0])
      const [token] = found
      if (token === undefined || found.length > 1) {
        throw new CommandError(
          'NOT_FOUND',
          token === undefined ? `there is no token "${args[0]}"` : `${found.length} tokens have this name`,
          'Take the id from `keyhaven tokens list`.',
        )
      }
      await confirmTyped({ context, output, options }, `Remove the token "${token.name}"?`, token.name)
      await admin.call('DELETE', `/tokens/${encodeURIComponent(token.id)}`)
      output.result({ removed: token.id, name: token.name }, () =>
        fields([
          ['removed', token.name],
          ['id', token.id],
        ]),
      )
      return undefined
    }),
  )
}
