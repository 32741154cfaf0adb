import * as releases from './conversations-releases.ts'
import type { Row } from './row.ts'

/** Keys of conversations: releases, and rotations. */
export async function run(): Promise<Row[]> {
  return [...(await releases.run())]
}
