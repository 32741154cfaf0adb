import * as authentication from './identity-authentication.ts'
import * as growth from './identity-growth.ts'
import * as keymanager from './identity-keymanager.ts'
import * as packets from './identity-packets.ts'
import * as timing from './identity-timing.ts'
import * as vault from './identity-vault.ts'
import type { Row } from './row.ts'

/** The identity capability: key manager, packets, vault, authentications and their time, look-ups as people grow. */
export async function run(): Promise<Row[]> {
  return [
    ...(await keymanager.run()),
    ...(await packets.run()),
    ...(await vault.run()),
    ...(await authentication.run()),
    ...(await timing.run()),
    ...(await growth.run()),
  ]
}
