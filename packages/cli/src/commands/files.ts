import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { filesVerifyCommand } from './files-verify.ts'

/** `keyhaven files`: files of conversations, as the server keeps them. */
export function filesCommand(frame: Frame, program: Command): void {
  const files = describe(program.command('files'), 'files of conversations, as the server keeps them', [
    ['keyhaven files verify', 'Compare the database with the object store'],
  ])
  filesVerifyCommand(frame, files)
}
