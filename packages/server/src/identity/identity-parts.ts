import type { TokenStore } from '../platform/auth/token-store.ts'
import type { IdentityBase } from './identity-base.ts'

/**
 * The services of this process, each built by its folder. `main`, `ida` and `oprf`: only in the process of
 * that role.
 */
export interface IdentityParts extends IdentityBase {
  /** Services and officers call with API tokens. */
  readonly tokens: TokenStore
}

/** Builds what the role of this process needs, in the order in which one folder needs another. */
export async function createIdentityParts(base: IdentityBase, tokens: TokenStore): Promise<IdentityParts> {
  return { ...base, tokens }
}
