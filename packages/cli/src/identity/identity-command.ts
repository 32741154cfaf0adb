import type { Command } from 'commander'
import type { Page } from '../admin/admin-api.ts'
import { type AdminClient, connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame, type Invocation } from '../frame.ts'
import { type Column, table } from '../terminal/output.ts'
import { LIST_LIMIT_DEFAULT, parseLimit, showPage } from '../terminal/page.ts'
import { identityPath } from './identity-api.ts'

interface CommandText {
  readonly name: string
  readonly summary: string
  readonly examples: readonly (readonly [command: string, what: string])[]
  /** Behind the application: `<partner>` and what it is. */
  readonly arguments?: readonly (readonly [name: string, what: string])[]
}

/** A command about one application's identity system, over the admin API. */
export function identityAction<Options>(
  frame: Frame,
  parent: Command,
  text: CommandText,
  options: (command: Command) => Command,
  run: (invocation: Invocation<Options & ServerOptions>, admin: AdminClient) => Promise<void>,
): void {
  const made = describe(parent.command(text.name), text.summary, text.examples)
  made.argument('<application>', 'application id')
  for (const [name, what] of text.arguments ?? []) made.argument(name, what)
  withServerOptions(options(made)).action(
    action<Options & ServerOptions>(frame, async (invocation) => {
      using admin = await connectAdmin(invocation.context, invocation.options)
      await run(invocation, admin)
      return undefined
    }),
  )
}

export interface ListOptions {
  readonly limit: string
  readonly cursor?: string
  readonly state?: string
}

/** A list of them, with `--state`, `--limit` and `--cursor`. */
export function identityList<Row>(
  frame: Frame,
  parent: Command,
  list: {
    readonly path: string
    readonly summary: string
    readonly examples: CommandText['examples']
    readonly states: readonly string[]
    readonly columns: readonly Column<Row>[]
    readonly empty: string
  },
): void {
  identityAction<ListOptions>(
    frame,
    parent,
    { name: 'list', summary: list.summary, examples: list.examples },
    (command) =>
      command
        .option('--state <state>', `only those: ${list.states.join(', ')}`)
        .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
        .option('--cursor <text>', 'go on where the list before ended'),
    async ({ output, options, args }, admin) => {
      const { state, cursor } = options
      const query = { limit: parseLimit(options.limit), cursor, state }
      const found = await admin.get<Page<Row>>(identityPath(args[0]!, list.path), query)
      showPage(output, found, (items) => table(list.columns, items, list.empty))
    },
  )
}

/** Options of a command that has none of its own. */
export const noOptions = (command: Command): Command => command

/** `--reason`, which the audit log keeps. */
export const reasonOption = (command: Command): Command =>
  command.requiredOption('--reason <text>', 'why; it stands in the audit log')
