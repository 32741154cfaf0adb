import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { identityKeysCommand } from './key-commands.ts'

/** `keyhaven identity`: what a server with the identity capability holds. */
export function identityCommand(frame: Frame, program: Command): void {
  const identity = describe(program.command('identity'), 'the identity capability of a running server', [
    ['keyhaven identity keys list demo', 'Its keys and when they end'],
  ])
  identityKeysCommand(frame, identity)
}
