import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { identityJobsCommand } from './job-commands.ts'
import { identityKeysCommand } from './key-commands.ts'
import { identityPartnersCommand } from './partner-commands.ts'
import { identityPoliciesCommand } from './policy-commands.ts'
import { identityRegistrationsCommand } from './registration-commands.ts'
import { identitySchemasCommand } from './schema-commands.ts'
import { identityEventsCommand, identitySharesCommand } from './share-commands.ts'
import { identityStationCommands } from './station-commands.ts'
import { identityUinCommand } from './uin-commands.ts'
import { identityVidCommand } from './vid-commands.ts'

/** `keyhaven identity`: what a server with the identity capability holds. */
export function identityCommand(frame: Frame, program: Command): void {
  const identity = describe(program.command('identity'), 'the identity capability of a running server', [
    ['keyhaven identity keys list demo', 'Its keys and when they end'],
    ['keyhaven identity partners list demo', 'Who may get data, or ask about people'],
  ])
  identityKeysCommand(frame, identity)
  identityStationCommands(frame, identity)
  identitySchemasCommand(frame, identity)
  identityRegistrationsCommand(frame, identity)
  identityJobsCommand(frame, identity)
  identityUinCommand(frame, identity)
  identityVidCommand(frame, identity)
  identityPartnersCommand(frame, identity)
  identityPoliciesCommand(frame, identity)
  identitySharesCommand(frame, identity)
  identityEventsCommand(frame, identity)
}
