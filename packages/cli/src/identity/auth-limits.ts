import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { usageError } from '../command-error.ts'
import { action, describe, type Frame } from '../frame.ts'
import { readInput } from '../input/read-input.ts'
import { table } from '../terminal/output.ts'
import { AUTH_PATH, type AuthLimit } from './auth-api.ts'

/** `keyhaven auth limits` and `keyhaven auth unlock`. */
export function authLimitsCommands(frame: Frame, auth: Command): void {
  const limits = describe(
    auth.command('limits'),
    'failures of people (under keyed hashes) and of partners, within the present window',
    [['keyhaven auth limits', 'Who is locked, and until when']],
  )
  withServerOptions(limits).action(
    action<ServerOptions>(frame, async ({ context, output, options }) => {
      using admin = await connectAdmin(context, options)
      const found = await admin.get<{ items: AuthLimit[] }>(`${AUTH_PATH}/limits`)
      output.result(found, () =>
        table(
          [
            { heading: 'SUBJECT', cell: (one) => one.subject },
            { heading: 'FAILURES', cell: (one) => `${one.failures} of ${one.limit}`, align: 'right' },
            { heading: 'STATE', cell: (one) => (one.locked ? 'locked' : 'open') },
            { heading: 'UNTIL', cell: (one) => one.until },
          ],
          found.items,
          'no failures',
        ),
      )
      return undefined
    }),
  )

  const unlock = describe(
    auth.command('unlock').argument('[subject]', 'as `keyhaven auth limits` shows it'),
    'forget the failures of a person or a partner',
    [
      ['keyhaven auth unlock partner:bank-1', 'A partner whose reader was broken'],
      ['keyhaven auth unlock --id -', 'A person, by UIN or VID from stdin: no list of processes shows it'],
    ],
  ).option('--id <id>', 'UIN or VID of a person; - is stdin')
  withServerOptions(unlock).action(
    action<ServerOptions & { id?: string }>(frame, async ({ context, output, options, args }) => {
      const [subject] = args
      if ((subject === undefined) === (options.id === undefined)) {
        throw usageError('name one: a subject or --id', '`keyhaven auth limits` lists subjects.')
      }
      const id = options.id === '-' ? await readInput(context, '-') : options.id
      const body = id === undefined ? { subject } : { id }
      using admin = await connectAdmin(context, options)
      await admin.call('POST', `${AUTH_PATH}/unlock`, { body })
      output.result({ unlocked: true }, () => 'The failures are forgotten.')
      return undefined
    }),
  )
}
