import * as channel from './conversations-channel.ts'
import * as releases from './conversations-releases.ts'
import type { Row } from './row.ts'

/** Keys of conversations: releases at the service and through the channel. */
export async function run(): Promise<Row[]> {
  return [...(await releases.run()), ...(await channel.run())]
}
