import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { authLimitsCommands } from './auth-limits.ts'
import { authListCommand } from './auth-list.ts'
import { authStatusCommands } from './auth-status.ts'
import { authTryCommand } from './auth-try.ts'

/** `keyhaven auth`: ID authentication, as its operator and as a relying party sees it. */
export function authCommand(frame: Frame, program: Command): void {
  const auth = describe(
    program.command('auth'),
    'ID authentication: an IDA’s state, what it answered, limits; and a relying party to try it with',
    [
      [
        'keyhaven auth status --server http://127.0.0.1:8798',
        'Whom this IDA trusts, and what compares biometrics',
      ],
      ['keyhaven auth try --party bank.json --id 7193064825 --claim dob=1990/05/11', 'Ask it something'],
    ],
  )
  authStatusCommands(frame, auth)
  authListCommand(frame, auth)
  authLimitsCommands(frame, auth)
  authTryCommand(frame, auth)
}
