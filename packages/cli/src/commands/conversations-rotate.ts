import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { conversationsPath } from '../admin/conversations-api.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields } from '../terminal/output.ts'

/** `keyhaven conversations rotate`: of a managed one. */
export function conversationsRotateCommand(frame: Frame, conversations: Command): void {
  const rotate = describe(
    conversations.command('rotate'),
    'make a new key of a managed conversation; messages from before stay readable. The keys of a sealed one ' +
      'are made by its members’ devices only',
    [
      ['keyhaven conversations rotate demo q83vEjRWeJCrze8SNFZ4kA', 'What is sent from now on has a new key'],
      ['keyhaven conversations rotate demo q83vEjRWeJCrze8SNFZ4kA --json', 'With the id of the new key'],
    ],
  )
    .argument('<application>', 'application id')
    .argument('<conversation>', 'id, as `keyhaven conversations list` shows it')
  withServerOptions(rotate).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      const [application, conversation] = args as [string, string]
      using admin = await connectAdmin(context, options)
      const path = `${conversationsPath(application, conversation)}/rotate`
      const { id } = await admin.call<{ readonly id: string }>('POST', path)
      output.result({ id, conversation }, () =>
        fields([
          ['conversation', conversation],
          ['new key', id],
        ]),
      )
      output.note('Devices that send meet it within a minute.')
      return undefined
    }),
  )
}
