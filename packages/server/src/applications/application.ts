import type { AeadName, HpkeSuite, KemName } from '@keyhaven/crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import type { KeyState } from '@keyhaven/keys'
import type { TrustMode } from '../channel/trust.ts'

/** The server's own admin API behind a gateway: no tenant, and in no list. */
export const ADMIN_APPLICATION_ID = 'keyhaven-admin'
/** Made at the first start, so that there is something to call. */
export const DEMO_APPLICATION_ID = 'demo'
export const APPLICATION_ID_PATTERN = /^[a-z0-9][a-z0-9-]{0,62}$/
/** Names that we keep for applications of our own. */
const RESERVED_PREFIX = 'keyhaven-'

/** A tenant. Times are milliseconds since the epoch. */
export interface Application {
  readonly id: string
  readonly name: string
  readonly createdAt: number
  readonly isDefault: boolean
  /** Of a key that is added without naming one. */
  readonly defaultSuite: HpkeSuite
  readonly trust: {
    readonly mode: TrustMode
    readonly rootThumbprints: readonly string[]
    readonly epoch: number
    readonly sequence: number
    readonly delegationExpiresAt: number | null
  }
  readonly keyCounts: Readonly<Record<KeyState, number>>
}

export interface NewApplication {
  readonly id: string
  readonly name?: string | undefined
  readonly suite?: HpkeSuite | undefined
  /** RFC 7638 thumbprints of root keys that are kept elsewhere; without them the server makes its own. */
  readonly rootThumbprints?: readonly string[] | undefined
}

/** @throws KeyhavenError `INPUT_INVALID` for a name that only the server itself may take. */
export function requireFreeId(id: string): void {
  if (id.startsWith(RESERVED_PREFIX)) {
    throw new KeyhavenError('INPUT_INVALID', `id: names that begin with "${RESERVED_PREFIX}" are reserved`)
  }
}

/** As a column holds it: `x-wing/aes-256-gcm`. */
export function suiteText(suite: HpkeSuite): string {
  return `${suite.kem}/${suite.aead}`
}

export function parseSuite(text: string): HpkeSuite {
  const [kem, aead] = text.split('/')
  return { kem: kem as KemName, aead: aead as AeadName }
}
