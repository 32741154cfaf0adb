import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { packetBuildCommand } from './packet-build.ts'
import { packetInspectCommand } from './packet-inspect.ts'
import { packetVerifyCommand } from './packet-verify.ts'

/** `keyhaven packet`: registration packets of both profiles, with no server and no network. */
export function packetCommand(frame: Frame, program: Command): void {
  const packet = describe(
    program.command('packet'),
    'build, look into and check registration packets, with no server',
    [['keyhaven packet inspect PACKET.zip', 'What anybody can see of it']],
  )
  packetBuildCommand(frame, packet)
  packetInspectCommand(frame, packet)
  packetVerifyCommand(frame, packet)
}
