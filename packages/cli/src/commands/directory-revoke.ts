import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import type { DirectoryUserDetails } from '../admin/directory-api.ts'
import { directoryUserPath } from '../admin/directory-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { CommandError } from '../command-error.ts'
import { deviceTable } from '../directory/device-table.ts'
import { action, describe, type Frame } from '../frame.ts'
import { printable } from '../terminal/output.ts'
import { confirmTyped } from '../terminal/prompt.ts'

const EXPLANATION = `
It ends at once. Users end a device themselves from another one, which takes 24 hours, or at once with
their recovery key; a recovery key of less than 24 hours takes 24 hours, too.`

interface Options extends ServerOptions {
  reason: string
  yes: boolean
}

/** `keyhaven directory revoke`: ends one device at once. */
export function directoryRevokeCommand(frame: Frame, directory: Command): void {
  const revoke = describe(
    directory.command('revoke'),
    'revoke a device for ever: its keys are refused from now on, and the user can see who did it',
    [
      [
        'keyhaven directory revoke demo alice DEVICE --reason "lost phone"',
        'Shows the device and asks you to type the name of the user',
      ],
    ],
  )
    .argument('<application>', 'application id')
    .argument('<username>', 'whose device')
    .argument('<device>', 'device id, as `keyhaven directory user show` lists it')
    .requiredOption('--reason <text>', 'why; it stands in the entry that the user and contacts get')
    .option('--yes', 'do not ask')
    .addHelpText('after', EXPLANATION)
  withServerOptions(revoke).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      const [application, username, id] = args as [string, string, string]
      const path = directoryUserPath(application, username)
      using admin = await connectAdmin(context, options)
      const user = await admin.get<DirectoryUserDetails>(path)
      const device = user.devices.find((known) => known.device === id)
      if (device === undefined) {
        throw new CommandError(
          'NOT_FOUND',
          `${username} has no device ${id}`,
          `Take the id from \`keyhaven directory user show ${application} ${username}\`.`,
        )
      }
      output.note(deviceTable([device]))
      const question = `Revoke "${printable(device.name)}" of ${printable(username)} for ever?`
      await confirmTyped({ context, output, options }, question, username)
      const body = { reason: options.reason }
      const after = await admin.call<DirectoryUserDetails>(
        'POST',
        `${path}/devices/${encodeURIComponent(id)}/revoke`,
        { body },
      )
      output.result(after, () => deviceTable(after.devices.filter((known) => known.device === id)))
      return undefined
    }),
  )
}
