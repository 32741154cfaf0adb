import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import type { EntryFields } from '../chain/entry.ts'
import type { DirectoryApi } from './directory-api.ts'
import type { DirectoryIdentity } from './directory-client.ts'
import type { LogMemory } from './log-memory.ts'
import type { LookUps } from './look-up.ts'

/** What everything that adds to the own chain works with. */
export interface SubmitOptions {
  readonly backend: CryptoBackend
  readonly application: string
  readonly api: DirectoryApi
  readonly lookUps: LookUps
  readonly log: LogMemory
  /** Seconds since the epoch. */
  readonly now: () => number
  readonly identity: () => DirectoryIdentity | undefined
  readonly use: (identity: DirectoryIdentity | undefined) => void
}

/** Where in a chain an entry goes. */
export type EntryPlace = Pick<
  EntryFields,
  'application' | 'username' | 'chain' | 'sequence' | 'previous' | 'issued'
>

/** @throws KeyhavenError `UNAUTHENTICATED` */
export function requireIdentity({ identity }: Pick<SubmitOptions, 'identity'>): DirectoryIdentity {
  const found = identity()
  if (found === undefined) throw new KeyhavenError('UNAUTHENTICATED', 'no device: register one first')
  return found
}
