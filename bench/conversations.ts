import * as channel from './conversations-channel.ts'
import * as messages from './conversations-messages.ts'
import * as releases from './conversations-releases.ts'
import * as rotation from './conversations-rotation.ts'
import * as files from './files.ts'
import type { Row } from './row.ts'

/** Keys of conversations: releases at the service and through the channel, and rotations. Messages, files. */
export async function run(): Promise<Row[]> {
  return [
    ...(await releases.run()),
    ...(await channel.run()),
    ...(await rotation.run()),
    ...(await messages.run()),
    ...(await files.run()),
  ]
}
