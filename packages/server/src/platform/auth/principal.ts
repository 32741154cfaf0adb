import type { Actor } from '@keyhaven/keys'
import type { AppBindings } from '../http/call-origin.ts'
import type { Role } from './roles.ts'

/** Who is signed in, and how. */
export interface Principal {
  /** As the audit log names it. */
  readonly actor: Actor
  readonly roles: readonly Role[]
  readonly method: 'token' | 'session'
  /** Whether an OIDC provider vouched for this session. */
  readonly oidc: boolean
  /** When the right ends (ms), null if it does not by itself. */
  readonly expiresAt: number | null
  /** The API token behind it, also the fixed one; empty for sign-ins without one. */
  readonly tokenId: string
}

/** Of routes behind `authenticate`. */
export interface AdminEnv {
  Bindings: AppBindings
  Variables: { principal: Principal }
}
