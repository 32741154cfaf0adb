import type { Channel } from '@keyhaven/channel'
import type { CryptoBackend } from '@keyhaven/crypto'

/** What an app trusts of its log: which one it is, and who else must have seen each checkpoint. */
export interface LogTrustOptions {
  /** Verifier key of the log: `npm start` and `keyhaven directory log show` print it. */
  readonly log?: string
  /** Verifier keys of witnesses, and how many of them must have cosigned. */
  readonly witnesses?: { readonly keys: readonly string[]; readonly threshold: number }
}

/** The connection that devices are opened over. */
export interface AppContext {
  readonly channel: Channel
  /** Address of the key server. */
  readonly server: string
  readonly application: string
  readonly trust: LogTrustOptions
  readonly backend: CryptoBackend
  /** Milliseconds since the epoch. */
  readonly clock: () => number
}

/** @throws TypeError that says where the verifier key is found. */
export function requireLogTrust({ trust }: AppContext): LogTrustOptions & { readonly log: string } {
  const { log } = trust
  if (typeof log === 'string' && log !== '') return { ...trust, log }
  throw new TypeError(
    'connect() needs trust.log, the verifier key of the directory log: `npm start` prints it, ' +
      'and so does `keyhaven directory log show APPLICATION`',
  )
}
