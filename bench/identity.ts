import * as keymanager from './identity-keymanager.ts'
import type { Row } from './row.ts'

/** The identity capability: key manager, packets, vault, authentications, and look-ups as people grow. */
export async function run(): Promise<Row[]> {
  return [...(await keymanager.run())]
}
