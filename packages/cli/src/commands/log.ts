import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { logVerifyCommand } from './log-verify.ts'

/** `keyhaven log`: what everybody can check of a directory. */
export function logCommand(frame: Frame, program: Command): void {
  const log = describe(program.command('log'), 'the transparency log of a directory, as an auditor sees it', [
    [
      'keyhaven log verify demo --log VERIFIER_KEY --since demo.checkpoint',
      'Recompute all of it, and that it only grew since the last time',
    ],
  ])
  logVerifyCommand(frame, log)
}
