import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { keysAddCommand } from './keys-add.ts'
import { keysListCommand } from './keys-list.ts'
import { keysRevokeCommand } from './keys-revoke.ts'
import { keysRewrapCommand } from './keys-rewrap.ts'
import { keysScheduleCommand } from './keys-schedule.ts'
import { keysShowCommand } from './keys-show.ts'
import { keysUsageCommand } from './keys-usage.ts'

/** `keyhaven keys`: the life of an application's E2E keys. */
export function keysCommand(frame: Frame, program: Command): void {
  const keys = describe(program.command('keys'), "an application's E2E keys", [
    ['keyhaven keys add demo', 'Add a key; both are accepted from now on'],
    ['keyhaven keys usage demo', 'Ask whether revoking the old one would break anybody'],
    ['keyhaven keys revoke demo 1 --reason "rotation 2026"', 'Never accept the old one again'],
  ])
  keysAddCommand(frame, keys)
  keysListCommand(frame, keys)
  keysShowCommand(frame, keys)
  keysUsageCommand(frame, keys)
  keysScheduleCommand(frame, keys)
  keysRevokeCommand(frame, keys)
  keysRewrapCommand(frame, keys)
}
