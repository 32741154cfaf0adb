import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { directoryDevicesCommand } from './directory-devices.ts'
import { directoryLogCommand } from './directory-log.ts'
import { directoryResetCommand } from './directory-reset.ts'
import { directoryRevokeCommand } from './directory-revoke.ts'
import { directoryTokensCommand } from './directory-tokens.ts'
import { directoryUserCommand } from './directory-user.ts'
import { directoryUsersCommand } from './directory-users.ts'

/** `keyhaven directory`: an application's users and their devices. */
export function directoryCommand(frame: Frame, program: Command): void {
  const directory = describe(
    program.command('directory'),
    "the users of an application, their devices, and the directory's log",
    [
      ['keyhaven directory tokens issue demo alice', 'Let a user sign up her first device'],
      ['keyhaven directory users demo', 'Who is there'],
      ['keyhaven directory devices demo --expiring 14d', 'Whose keys end soon'],
    ],
  )
  directoryUsersCommand(frame, directory)
  directoryUserCommand(frame, directory)
  directoryDevicesCommand(frame, directory)
  directoryRevokeCommand(frame, directory)
  directoryResetCommand(frame, directory)
  directoryTokensCommand(frame, directory)
  directoryLogCommand(frame, directory)
}
