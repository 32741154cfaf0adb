import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { vaultBackfillCommand } from './vault-backfill.ts'
import { vaultConflictsCommand } from './vault-conflicts.ts'
import { vaultPoolCommands } from './vault-pool.ts'
import { vaultRecipientsCommand } from './vault-recipients.ts'
import { vaultReencryptCommand } from './vault-reencrypt.ts'
import { vaultStatusCommand } from './vault-status.ts'

/** `keyhaven vault`: the pool of keys under which people's data lies at an IDA. */
export function vaultCommand(frame: Frame, program: Command): void {
  const vault = describe(
    program.command('vault'),
    'the zero-knowledge pool of keys, at the issuer and at an IDA: state, rotation, conflicts',
    [
      ['keyhaven vault status', 'Generations of keys, people, what waits for an operator'],
      ['keyhaven vault backfill mpartner-default-auth', 'Credentials of everybody, for one IDA'],
    ],
  )
  vaultStatusCommand(frame, vault)
  vaultPoolCommands(frame, vault)
  vaultRecipientsCommand(frame, vault)
  vaultBackfillCommand(frame, vault)
  vaultReencryptCommand(frame, vault)
  vaultConflictsCommand(frame, vault)
}
