import type { BiometricMatcher } from '../../biometrics/biometric-matcher.ts'
import type { IdentityKeys } from '../../keys/identity-keys.ts'
import type { Profile } from '../../profile.ts'
import type { IdaVault } from '../vault/ida-vault.ts'
import type { AuthenticationSecrets, AuthenticationStore, OtpSender } from './ports.ts'
import type { MatchingRules } from './text-match.ts'

/** What the authentication service of one IDA is made of. */
export interface AuthenticationOptions {
  /** IDA's tenant. */
  readonly application: string
  readonly profile: Profile
  readonly store: AuthenticationStore
  readonly vault: Pick<IdaVault, 'find' | 'pretend'>
  readonly keys: IdentityKeys
  readonly secrets: AuthenticationSecrets
  readonly matcher: BiometricMatcher
  /** Without a rule a text is compared exactly. */
  readonly rules: MatchingRules
  readonly senders: readonly OtpSender[]
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Milliseconds, never going back. */
  readonly monotonic: () => number
  readonly wait: (milliseconds: number) => Promise<void>
  readonly newId: () => string
  /** Gets faults of ours, and what could not be sent; never an id or a claim. */
  readonly onError: (error: unknown) => void
}
