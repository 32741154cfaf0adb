import { KeyhavenError } from '@keyhaven/crypto'
import { addressOf, unreachableReason } from '../unreachable.ts'
import { toStoreError } from './store-error.ts'

const DEFAULT_PORT = 5432
/** PostgreSQL's own refusals of a connection (appendix A). */
const REFUSALS: Readonly<Record<string, string>> = {
  '28P01': 'refuses the password: set the right user and password',
  '28000': 'refuses this user from here: see its pg_hba.conf',
  '3D000': 'has no such database: create it',
  '53300': 'has no connection left: raise its max_connections',
  '57P03': 'is starting or stopping: try again',
}
/** What pg says in words only. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/password must be a string/, 'asks for a password: there is none'],
  [/timeout/i, 'does not answer in time'],
  [/does not support SSL/, 'speaks no TLS: leave sslmode out'],
  [/Connection terminated/, 'breaks the connection off'],
]

/**
 * A connection that was not made, as `STORE_UNAVAILABLE` that names the address, the reason and what to do,
 * and never the password. Any other error as {@link toStoreError} has it.
 *
 * @param url - of the connection.
 */
export function postgresUnavailable(error: unknown, url: string): unknown {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  const refusal = typeof code === 'string' ? REFUSALS[code] : undefined
  const said = WORDS.find(([words]) => typeof message === 'string' && words.test(message))?.[1]
  const reason = refusal ?? unreachableReason(error) ?? said
  if (reason === undefined) return toStoreError(error)
  return new KeyhavenError(
    'STORE_UNAVAILABLE',
    `PostgreSQL at ${addressOf(url, DEFAULT_PORT)} ${reason}. Check that it runs, and KEYHAVEN_DATABASE_URL`,
    { cause: error },
  )
}
