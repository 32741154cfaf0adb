import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import type { DirectoryUserDetails } from '../admin/directory-api.ts'
import { directoryUserPath } from '../admin/directory-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { deviceTable } from '../directory/device-table.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields, printable } from '../terminal/output.ts'
import { confirmTyped } from '../terminal/prompt.ts'

interface Options extends ServerOptions {
  reason: string
  yes: boolean
}

/** `keyhaven directory reset`: for a user who lost every device. */
export function directoryResetCommand(frame: Frame, directory: Command): void {
  const reset = describe(directory.command('reset'), 'begin a new chain for a user who lost every device', [
    [
      'keyhaven directory reset demo alice --reason "all devices lost"',
      'Shows what ends and asks you to type the name of the user',
    ],
  ])
    .argument('<application>', 'application id')
    .argument('<username>', 'the name that apps look up')
    .requiredOption('--reason <text>', 'why; it stands in the entry that the user and contacts get')
    .option('--yes', 'do not ask')
    .addHelpText('after', EXPLANATION)
  withServerOptions(reset).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      const [application, username] = args as [string, string]
      const path = directoryUserPath(application, username)
      using admin = await connectAdmin(context, options)
      const user = await admin.get<DirectoryUserDetails>(path)
      output.note(deviceTable(user.devices))
      const question =
        `Reset ${printable(username)}? All these devices and the recovery key end for ever, contacts are ` +
        'told, and verified marks drop.'
      await confirmTyped({ context, output, options }, question, username)
      const after = await admin.call<DirectoryUserDetails>('POST', `${path}/reset`, {
        body: { reason: options.reason },
      })
      output.result(after, () =>
        fields([
          ['user', after.username],
          ['resets', after.chain],
          ['changed', after.changedAt],
        ]),
      )
      output.note(
        `Now ${printable(username)} can sign up again: \`keyhaven directory tokens issue ${application} ` +
          `${printable(username)}\`.`,
      )
      return undefined
    }),
  )
}

const EXPLANATION = `
A device that is left can approve new ones and revoke lost ones: a reset is only for who has none. The
recovery key approves no device. It revokes lost ones, and after the reset it still reads the history
that was backed up; what was not backed up stays closed to the new devices.`
