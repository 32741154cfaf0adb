import * as channel from './conversations-channel.ts'
import * as releases from './conversations-releases.ts'
import * as rotation from './conversations-rotation.ts'
import * as files from './files.ts'
import type { Row } from './row.ts'

/** Keys of conversations: releases at the service and through the channel, and rotations. Then files. */
export async function run(): Promise<Row[]> {
  return [
    ...(await releases.run()),
    ...(await channel.run()),
    ...(await rotation.run()),
    ...(await files.run()),
  ]
}
