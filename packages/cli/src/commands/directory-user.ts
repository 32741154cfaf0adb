import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import type { DirectoryUserDetails } from '../admin/directory-api.ts'
import { directoryUserPath } from '../admin/directory-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { signerText, subjectText } from '../directory/describe-entry.ts'
import { deviceTable } from '../directory/device-table.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields, table } from '../terminal/output.ts'

/** `keyhaven directory user`. */
export function directoryUserCommand(frame: Frame, directory: Command): void {
  const user = describe(directory.command('user'), 'one user', [
    ['keyhaven directory user show demo alice', 'Devices and history'],
  ])
  const show = describe(user.command('show'), 'show a user, the devices, and every entry of the chain', [
    ['keyhaven directory user show demo alice', 'Also what was revoked, and who was reset when'],
    ['keyhaven directory user show demo alice --json', 'With the entries themselves, as they were signed'],
  ])
    .argument('<application>', 'application id')
    .argument('<username>', 'the name that apps look up')
  withServerOptions(show).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const found = await admin.get<DirectoryUserDetails>(directoryUserPath(args[0]!, args[1]!))
      output.result(found, () =>
        [
          fields([
            ['user', found.username],
            ['signed up by', found.signUp],
            ['resets', found.chain],
            ['since', found.createdAt],
            ['changed', found.changedAt],
          ]),
          '',
          deviceTable(found.devices),
          '',
          historyTable(found),
        ].join('\n'),
      )
      return undefined
    }),
  )
}

function historyTable({ entries, devices }: DirectoryUserDetails): string {
  return table(
    [
      { heading: 'ENTRY', cell: (entry) => entry.sequence, align: 'right' },
      { heading: 'CHAIN', cell: (entry) => entry.chain, align: 'right' },
      { heading: 'KIND', cell: (entry) => entry.kind },
      { heading: 'OF', cell: (entry) => subjectText(entry, devices) },
      { heading: 'SIGNED BY', cell: (entry) => signerText(entry, devices) },
      { heading: 'ACCEPTED', cell: (entry) => entry.acceptedAt },
      { heading: 'IN THE LOG', cell: (entry) => entry.index, align: 'right' },
    ],
    entries,
    'no entries',
  )
}
