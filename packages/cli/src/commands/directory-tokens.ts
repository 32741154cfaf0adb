import { type Command, Option } from 'commander'
import type { Page } from '../admin/admin-api.ts'
import { type AdminClient, connectAdmin } from '../admin/admin-client.ts'
import { PROFILE_NAMES, type SignUpToken } from '../admin/directory-api.ts'
import { directoryPath } from '../admin/directory-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { CommandError } from '../command-error.ts'
import { action, describe, type Frame } from '../frame.ts'
import { parseTime } from '../input/parse-time.ts'
import { fields, printable, table } from '../terminal/output.ts'
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, parseLimit, showPage } from '../terminal/page.ts'
import { confirmTyped } from '../terminal/prompt.ts'

/** `keyhaven directory tokens`: with them users sign up their first device. */
export function directoryTokensCommand(frame: Frame, directory: Command): void {
  const tokens = describe(
    directory.command('tokens'),
    'sign-up tokens: each lets one user sign up the first device, once',
    [
      ['keyhaven directory tokens issue demo alice', 'Make one; it is shown once'],
      ['keyhaven directory tokens list demo', 'Which are open, which are used'],
    ],
  )
  issueCommand(frame, tokens)
  listCommand(frame, tokens)
  revokeCommand(frame, tokens)
}

interface IssueOptions extends ServerOptions {
  expires?: string
  profile?: string
}

function issueCommand(frame: Frame, tokens: Command): void {
  const issue = describe(
    tokens.command('issue'),
    'make a sign-up token; only its hash is kept, so it is shown once',
    [
      ['keyhaven directory tokens issue demo alice', 'Hand it to her by a way that you trust'],
      [
        'keyhaven directory tokens issue demo bob --expires +2h --profile x-wing',
        'Short, and one profile only',
      ],
    ],
  )
    .argument('<application>', 'application id')
    .argument('<username>', 'the name that apps will look up: 1 to 128 characters')
    .option('--expires <time>', 'ISO 8601, or +2h; else as the server has it')
    .addOption(
      new Option(
        '--profile <profile>',
        'the only profile that it admits; else any that the server allows',
      ).choices(PROFILE_NAMES),
    )
  withServerOptions(issue).action(
    action<IssueOptions>(frame, async ({ context, output, options, args }) => {
      const expiresAt = options.expires && parseTime('--expires', options.expires, context.now())
      const body = { username: args[1], expiresAt, profile: options.profile }
      using admin = await connectAdmin(context, options)
      const token = await admin.call<SignUpToken>('POST', tokensPath(args[0]!), { body })
      output.result(token, () => token.token ?? '')
      output.note(
        `Sign-up token ${printable(token.id)} for "${printable(token.username)}", until ` +
          `${printable(token.expiresAt)}. Keep it now: it cannot be shown again. Whoever has it can sign ` +
          'up as this user.',
      )
      return undefined
    }),
  )
}

interface ListOptions extends ServerOptions {
  limit: string
  cursor?: string
}

function listCommand(frame: Frame, tokens: Command): void {
  const list = describe(
    tokens.command('list'),
    'list the sign-up tokens, newest first, without the tokens themselves',
    [['keyhaven directory tokens list demo', 'Also the used ones']],
  )
    .argument('<application>', 'application id')
    .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
    .option('--cursor <text>', 'go on where the list before ended')
  withServerOptions(list).action(
    action<ListOptions>(frame, async ({ context, output, options, args }) => {
      const query = { limit: parseLimit(options.limit), cursor: options.cursor }
      using admin = await connectAdmin(context, options)
      const page = await admin.get<Page<SignUpToken>>(tokensPath(args[0]!), query)
      showPage(output, page, (items) =>
        table(
          [
            { heading: 'USER', cell: (token) => token.username },
            { heading: 'PROFILE', cell: (token) => token.profile ?? 'any' },
            { heading: 'CREATED', cell: (token) => token.createdAt },
            { heading: 'BY', cell: (token) => token.createdBy },
            { heading: 'EXPIRES', cell: (token) => token.expiresAt },
            { heading: 'USED', cell: (token) => token.usedAt },
            { heading: 'ID', cell: (token) => token.id },
          ],
          items,
          'no sign-up tokens; make one with `keyhaven directory tokens issue APPLICATION USERNAME`',
        ),
      )
      return undefined
    }),
  )
}

function revokeCommand(frame: Frame, tokens: Command): void {
  const revoke = describe(tokens.command('revoke'), 'take a sign-up token back before it is used', [
    ['keyhaven directory tokens revoke demo ID', 'By its id; asks you to type the name of the user'],
  ])
    .argument('<application>', 'application id')
    .argument('<id>', 'id of the token, as `keyhaven directory tokens list` shows it')
    .option('--yes', 'do not ask')
  withServerOptions(revoke).action(
    action<ServerOptions & { yes: boolean }>(frame, async ({ context, output, options, args }) => {
      const [application, id] = args as [string, string]
      using admin = await connectAdmin(context, options)
      const token = await findToken(admin, application, id)
      if (token === undefined) {
        throw new CommandError(
          'NOT_FOUND',
          `there is no sign-up token ${id}`,
          `Take the id from \`keyhaven directory tokens list ${application}\`.`,
        )
      }
      const question = `Take back the sign-up token of ${printable(token.username)}?`
      await confirmTyped({ context, output, options }, question, token.username)
      await admin.call('DELETE', `${tokensPath(application)}/${encodeURIComponent(id)}`)
      output.result({ revoked: id, username: token.username }, () =>
        fields([
          ['revoked', id],
          ['user', token.username],
        ]),
      )
      return undefined
    }),
  )
}

async function findToken(
  admin: AdminClient,
  application: string,
  id: string,
): Promise<SignUpToken | undefined> {
  let cursor: string | undefined
  do {
    const page: Page<SignUpToken> = await admin.get(tokensPath(application), {
      limit: LIST_LIMIT_MAX,
      cursor,
    })
    const found = page.items.find((token) => token.id === id)
    if (found !== undefined) return found
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return undefined
}

function tokensPath(applicationId: string): string {
  return `${directoryPath(applicationId)}/sign-up-tokens`
}
