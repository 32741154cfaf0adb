import type { Command } from 'commander'
import type { Page } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import type { DirectoryDevice } from '../admin/directory-api.ts'
import { directoryPath } from '../admin/directory-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { deviceTableWithUsers } from '../directory/device-table.ts'
import { action, describe, type Frame } from '../frame.ts'
import { LIST_LIMIT_DEFAULT, parseLimit, showPage } from '../terminal/page.ts'

const EXPIRING_DEFAULT = '30d'

interface Options extends ServerOptions {
  expiring: string
  limit: string
  cursor?: string
}

/** `keyhaven directory devices`: whose keys end soon. */
export function directoryDevicesCommand(frame: Frame, directory: Command): void {
  const devices = describe(
    directory.command('devices'),
    'list the devices whose record ends soon, the first to end first; devices renew by themselves, so ' +
      'these were not in use',
    [
      ['keyhaven directory devices demo --expiring 30d', 'Within a month'],
      ['keyhaven directory devices demo --expiring 400d', 'All: no record lives longer'],
    ],
  )
    .argument('<application>', 'application id')
    .option(
      '--expiring <duration>',
      'within so many days: 30d; those that ended are listed for as long as they can renew',
      EXPIRING_DEFAULT,
    )
    .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
    .option('--cursor <text>', 'go on where the list before ended')
  withServerOptions(devices).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      const query = {
        expiringWithin: options.expiring,
        limit: parseLimit(options.limit),
        cursor: options.cursor,
      }
      using admin = await connectAdmin(context, options)
      const page = await admin.get<Page<DirectoryDevice>>(`${directoryPath(args[0]!)}/devices`, query)
      showPage(output, page, (items) =>
        deviceTableWithUsers(items, `no device's record ends within ${options.expiring}`),
      )
      return undefined
    }),
  )
}
